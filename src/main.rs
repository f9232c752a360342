//! The `parallot` program: everything is in the library.

/// glibc returns every large tensor to the system and asks for it again; mimalloc keeps the pages.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    parallot::cli::main()
}
