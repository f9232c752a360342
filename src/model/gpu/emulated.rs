//! A card for the tests: `kernels.cu` compiled for the CPU by `emulator.cpp`, and products in plain
//! loops.

use super::Precision;
use super::card::{Address, Argument, Card, Kind, Launch, Product};
use candle_core::{Result, bail};
use std::ffi::{CString, c_char, c_int, c_uint, c_void};
use std::path::Path;
use std::process::Command;
use std::sync::{Mutex, OnceLock, PoisonError};

type Emulate = unsafe extern "C" fn(
    *const c_char,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    c_uint,
    *mut *mut c_void,
) -> c_int;

/// The compiled kernels, which have one set of threads for all: whoever runs one holds the lock.
static KERNELS: OnceLock<Mutex<libloading::Library>> = OnceLock::new();

/// Compiles the kernels once.
fn kernels() -> &'static Mutex<libloading::Library> {
    let compiled = || {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/model/gpu/emulator.cpp");
        let folder = tempfile::tempdir().unwrap();
        let library = folder.path().join("kernels.so");
        let arguments = ["-std=c++17", "-O2", "-shared", "-fPIC", "-w", "-ffp-contract=off", "-o"];
        let compiler = option_env!("CXX").unwrap_or("c++");
        let done = Command::new(compiler).args(arguments).arg(&library).arg(source).status();
        let done = done.unwrap_or_else(|error| {
            panic!("the kernels are tested by a C++ compiler, `{compiler}`: {error}")
        });
        assert!(done.success(), "kernels.cu does not compile for the CPU");
        // SAFETY: a library of ours without initialisers
        Mutex::new(unsafe { libloading::Library::new(library) }.unwrap())
    };
    KERNELS.get_or_init(compiled)
}

/// See the module.
#[derive(Debug)]
pub(super) struct Emulated;

/// Memory of the host, in words so that it is aligned, with words behind it that nobody may write
/// to.
#[derive(Debug)]
pub(super) struct Memory(Vec<u128>);

/// What is behind memory.
const GUARD: [u128; 64] = [0x0123_4567_89ab_cdef_0123_4567_89ab_cdef; 64];

impl Drop for Memory {
    fn drop(&mut self) {
        assert!(
            std::thread::panicking() || self.0.ends_with(&GUARD),
            "a kernel wrote beyond its memory"
        );
    }
}

impl Card for Emulated {
    type Memory = Memory;

    fn alloc(&self, bytes: usize) -> Result<Memory> {
        Ok(Memory([vec![0; bytes.div_ceil(16)], GUARD.to_vec()].concat()))
    }

    fn address(memory: &Memory) -> Address {
        memory.0.as_ptr() as Address
    }

    fn write(&self, to: Address, from: &[u8]) -> Result<()> {
        // SAFETY: the tests hand out addresses of memory of theirs that is large enough
        unsafe { std::ptr::copy(from.as_ptr(), to as *mut u8, from.len()) };
        Ok(())
    }

    fn read(&self, from: Address, to: &mut [u8]) -> Result<()> {
        // SAFETY: as above
        unsafe { std::ptr::copy(from as *const u8, to.as_mut_ptr(), to.len()) };
        Ok(())
    }

    fn copy(&self, from: Address, to: Address, bytes: usize) -> Result<()> {
        // SAFETY: as above
        unsafe { std::ptr::copy(from as *const u8, to as *mut u8, bytes) };
        Ok(())
    }

    fn clear(&self, at: Address, bytes: usize) -> Result<()> {
        // SAFETY: as above
        unsafe { std::ptr::write_bytes(at as *mut u8, 0, bytes) };
        Ok(())
    }

    fn launch(&self, launch: &Launch<'_>) -> Result<()> {
        let library = kernels().lock().unwrap_or_else(PoisonError::into_inner);
        let mut values: Vec<u64> = launch.arguments.iter().map(|&Argument(bits)| bits).collect();
        let mut arguments: Vec<*mut c_void> =
            values.iter_mut().map(|value| std::ptr::from_mut(value).cast()).collect();
        let name = CString::new(launch.kernel).map_err(candle_core::Error::wrap)?;
        let [x, y, z] = launch.grid.map(|blocks| blocks as c_uint);
        // SAFETY: the signature is that of `emulate`; arguments are as many as the kernel's, 8
        // bytes each
        let code = unsafe {
            let emulate: libloading::Symbol<'_, Emulate> =
                library.get(b"emulate").map_err(candle_core::Error::wrap)?;
            emulate(
                name.as_ptr(),
                x,
                y,
                z,
                launch.threads as c_uint,
                launch.shared as c_uint,
                arguments.as_mut_ptr(),
            )
        };
        if code == 0 { Ok(()) } else { bail!("kernel `{}`: {code}", launch.kernel) }
    }

    fn multiply(&self, product: &Product) -> Result<()> {
        let Product { kind, n, m, k, precision, is_single, adds, left, right, result, runs } =
            *product;
        let entry = |at: Address, index: usize| -> f32 {
            // SAFETY: as above
            match precision {
                Precision::F32 => unsafe { *(at as *const f32).add(index) },
                Precision::Bf16 => {
                    f32::from_bits(u32::from(unsafe { *(at as *const u16).add(index) }) << 16)
                }
            }
        };
        // (rows, columns, inner) and the strides of both factors along rows or columns and along
        // the inner axis
        let ((rows, columns, inner), (a, a_inner), (b, b_inner)) = match kind {
            Kind::Output => ((n, m, k), (k, 1), (k, 1)),
            Kind::Input => ((n, k, m), (m, 1), (1, k)),
            Kind::Weights => ((m, k, n), (1, m), (1, k)),
        };
        let (size, wide) = (precision.bytes(), is_single || precision == Precision::F32);
        for run in 0..runs {
            let [left, right] =
                [left, right].map(|factor| factor.at + (run * factor.stride * size) as u64);
            for row in 0..rows {
                for column in 0..columns {
                    let sum: f32 = (0..inner)
                        .map(|i| {
                            entry(left, row * a + i * a_inner)
                                * entry(right, column * b + i * b_inner)
                        })
                        .sum();
                    let index = run * result.stride + row * columns + column;
                    // SAFETY: as above
                    unsafe {
                        if wide {
                            let to = (result.at as *mut f32).add(index);
                            *to = if adds { *to + sum } else { sum };
                        } else {
                            *(result.at as *mut u16).add(index) = rounded(sum);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn repeat(&mut self, _: u64, work: &dyn Fn(&Self) -> Result<()>) -> Result<()> {
        work(self)
    }

    fn another(&self) -> Result<Self> {
        Ok(Emulated)
    }

    fn forget(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Bits of the nearest bf16, ties to even.
fn rounded(x: f32) -> u16 {
    let bits = x.to_bits();
    ((bits + 0x7fff + (bits >> 16 & 1)) >> 16) as u16
}
