//! The `parallot` program: everything is in the library.

#[global_allocator]
static ALLOCATOR: parallot::cli::Allocator = parallot::cli::Allocator::NEW;

fn main() -> std::process::ExitCode {
    parallot::cli::main()
}
