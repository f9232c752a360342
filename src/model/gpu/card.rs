//! What a training step asks of a graphics card: memory, kernels, matrix products. The real one is
//! `cuda`; tests have one on the CPU.

use super::Precision;
use candle_core::Result;

/// The name of a kernel that there is for both types.
macro_rules! typed {
    ($precision:expr, $name:literal) => {
        match $precision {
            $crate::model::gpu::Precision::F32 => concat!($name, "_f32"),
            $crate::model::gpu::Precision::Bf16 => concat!($name, "_bf16"),
        }
    };
}
pub(super) use typed;

/// Where something lies on a card.
pub(super) type Address = u64;

/// Bits of an argument of a kernel, the low bytes first: an address, a whole number or a float.
#[derive(Debug, Clone, Copy)]
pub(super) struct Argument(pub u64);

impl From<u64> for Argument {
    fn from(value: u64) -> Self {
        Argument(value)
    }
}

impl From<usize> for Argument {
    /// The kernels count in 32 bits what fits them and in 64 what may not; low bytes come first, so
    /// that both read the same.
    fn from(value: usize) -> Self {
        Argument(value as u64)
    }
}

impl From<f32> for Argument {
    fn from(value: f32) -> Self {
        Argument(u64::from(value.to_bits()))
    }
}

/// A kernel on a grid of blocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Launch<'a> {
    /// Its name in `kernels.cu`.
    pub kernel: &'static str,
    /// Blocks along each axis.
    pub grid: [usize; 3],
    /// Threads of a block, a multiple of 32.
    pub threads: usize,
    /// Bytes of memory shared by a block, beside what the kernel declares.
    pub shared: usize,
    /// In the order of the kernel's own.
    pub arguments: &'a [Argument],
}

/// Which product of a linear layer `y = x w^T`, with x (n, k), w (m, k) and y (n, m).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `y (+)= x w^T`.
    Output,
    /// `dx = dy w`.
    Input,
    /// `dw (+)= dy^T x`.
    Weights,
}

/// A matrix of every run: where the first is, and how many entries lie between them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Matrices {
    /// Of the first.
    pub at: Address,
    /// Entries from one run to the next.
    pub stride: usize,
}

/// A product for every run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Product {
    /// Which of the three.
    pub kind: Kind,
    /// Rows of x and y.
    pub n: usize,
    /// Columns of y.
    pub m: usize,
    /// Columns of x.
    pub k: usize,
    /// Type of the two factors.
    pub precision: Precision,
    /// Whether the result is in f32, whatever the factors are.
    pub is_single: bool,
    /// Whether the result is added to what is there.
    pub adds: bool,
    /// `x`, `dy` and `dy` for the three kinds.
    pub left: Matrices,
    /// `w`, `w` and `x`.
    pub right: Matrices,
    /// `y`, `dx` and `dw`.
    pub result: Matrices,
    /// Runs.
    pub runs: usize,
}

/// A card. All work is done in the order in which it was asked for; only `read` waits for it.
pub(super) trait Card: std::fmt::Debug + Send + Sized {
    /// Memory, freed when it is dropped.
    type Memory: std::fmt::Debug + Send;

    /// So many bytes, all 0.
    fn alloc(&self, bytes: usize) -> Result<Self::Memory>;
    /// Where memory begins.
    fn address(memory: &Self::Memory) -> Address;
    /// To the card.
    fn write(&self, to: Address, from: &[u8]) -> Result<()>;
    /// From the card.
    fn read(&self, from: Address, to: &mut [u8]) -> Result<()>;
    /// On the card.
    fn copy(&self, from: Address, to: Address, bytes: usize) -> Result<()>;
    /// Fills with 0.
    fn clear(&self, at: Address, bytes: usize) -> Result<()>;
    /// Runs a kernel.
    fn launch(&self, launch: &Launch<'_>) -> Result<()>;
    /// Multiplies.
    fn multiply(&self, product: &Product) -> Result<()>;
    /// Runs work that is the same whenever its key is: a card may record it and repeat the record.
    fn repeat(&mut self, key: u64, work: &dyn Fn(&Self) -> Result<()>) -> Result<()>;
    /// Another user of the same card, after all that was asked for is done.
    fn another(&self) -> Result<Self>;
    /// Drops the records: they are of places that are no more.
    fn forget(&mut self) -> Result<()>;
}

/// Plain numbers as their bytes.
pub(super) fn bytes_of<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: numbers without padding, of which any bytes may be read; the length is that of the
    // same memory
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), std::mem::size_of_val(values)) }
}

/// The same, to be written.
pub(super) fn bytes_of_mut<T: Plain>(values: &mut [T]) -> &mut [u8] {
    // SAFETY: as above, and any bytes are a value of these types
    unsafe {
        std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), std::mem::size_of_val(values))
    }
}

/// A number without padding, for which any bytes are a value.
pub(super) trait Plain: Copy {}
impl Plain for u32 {}
impl Plain for f32 {}
impl Plain for f64 {}
