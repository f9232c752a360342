//! Memory: mimalloc, and a sentence where there is no more of it.

use mimalloc::MiMalloc;
use std::alloc::{GlobalAlloc, Layout};
use std::io::Write;

/// glibc returns every large tensor to the system and asks for it again; mimalloc keeps the pages.
/// Memory that is refused ends the process with a sentence and exit status 1, where the standard
/// library would abort it with a backtrace.
pub struct Allocator(MiMalloc);

impl Allocator {
    /// The allocator of the process.
    pub const NEW: Allocator = Allocator(MiMalloc);
}

// SAFETY: all is mimalloc's; what is refused is not returned from
unsafe impl GlobalAlloc for Allocator {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are those that are asked for
        given(unsafe { self.0.alloc(layout) }, layout.size())
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: as above
        given(unsafe { self.0.alloc_zeroed(layout) }, layout.size())
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: as above
        given(unsafe { self.0.realloc(at, layout, size) }, size)
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above
        unsafe { self.0.dealloc(at, layout) }
    }
}

fn given(at: *mut u8, size: usize) -> *mut u8 {
    if at.is_null() {
        ended(size);
    }
    at
}

#[cold]
#[expect(clippy::exit, reason = "there is no memory to unwind with")]
fn ended(size: usize) -> ! {
    // nothing here asks for memory
    let mut line = [0_u8; 128];
    let mut rest = line.as_mut_slice();
    let _ = writeln!(rest, "error: out of memory: the system refused {size} bytes more");
    let left = rest.len();
    let _ = std::io::stderr().write_all(&line[..line.len() - left]);
    std::process::exit(1)
}
