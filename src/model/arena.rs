//! Memory that is handed out and taken back, so that a step of training does not allocate and clear
//! what the last one had.

use super::kernels::Real;

/// Buffers without a user.
#[derive(Debug, Default)]
pub(super) struct Arena<T>(Vec<Vec<T>>);

impl<T: Real> Arena<T> {
    /// A buffer of `len` entries with any content: the smallest free one that is large enough, or a
    /// new one.
    pub(super) fn take(&mut self, len: usize) -> Vec<T> {
        let fits = self
            .0
            .iter()
            .enumerate()
            .filter(|(_, buffer)| buffer.capacity() >= len)
            .min_by_key(|(_, buffer)| buffer.capacity());
        let mut buffer = match fits.map(|(at, _)| at) {
            Some(at) => self.0.swap_remove(at),
            // rounded up: batches differ a little in their tokens
            None => Vec::with_capacity(len + len / 4),
        };
        buffer.resize(len, T::zero());
        buffer
    }

    /// A copy of `data`.
    pub(super) fn copy(&mut self, data: &[T]) -> Vec<T> {
        let mut buffer = self.take(data.len());
        buffer.copy_from_slice(data);
        buffer
    }

    /// Takes a buffer back.
    pub(super) fn give(&mut self, buffer: Vec<T>) {
        self.0.push(buffer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_the_smallest_that_fits() {
        let mut arena = Arena::<f32>(vec![
            Vec::with_capacity(100),
            Vec::with_capacity(10),
            Vec::with_capacity(50),
        ]);
        let buffer = arena.take(20);
        assert_eq!((buffer.len(), buffer.capacity()), (20, 50));
        arena.give(buffer);
        assert_eq!(arena.take(51).capacity(), 100);
        assert_eq!((arena.take(200).len(), arena.0.len()), (200, 2));
    }
}
