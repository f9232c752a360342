//! Seeded generators and space-filling points. Nothing here has a state of its own.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// The generator of one piece of work: equal seed and stream give equal numbers on every machine and in every order of work.
pub fn generator(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(stream);
    generator
}

/// A stream number from a name: FNV-1a, 64 bits (Fowler, Noll and Vo).
pub fn stream_of(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Point `index` of the three-dimensional Halton sequence (bases 2, 3, 5), in the open unit cube.
pub fn halton(index: usize) -> [f64; 3] {
    [2, 3, 5].map(|base| {
        let (mut rest, mut scale, mut value) = (index + 1, 1.0, 0.0);
        while rest > 0 {
            scale /= base as f64;
            value += scale * (rest % base) as f64;
            rest /= base;
        }
        value
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::Rng;

    #[test]
    fn streams_repeat_and_differ() {
        let draw = |seed, stream| generator(seed, stream).next_u64();
        assert_eq!(draw(1, 2), draw(1, 2));
        assert_ne!(draw(1, 2), draw(1, 3));
        assert_ne!(draw(1, 2), draw(2, 2));
    }

    #[test]
    fn names_have_the_published_hash() {
        // test vectors of the FNV page: "" and "a"
        assert_eq!(stream_of(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(stream_of("a"), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn halton_points_fill_the_cube() {
        assert_eq!(halton(0), [0.5, 1.0 / 3.0, 0.2]);
        assert_eq!(halton(1)[0], 0.25);
        let points: Vec<_> = (0..200).map(halton).collect();
        for axis in 0..3 {
            let mean = points.iter().map(|point| point[axis]).sum::<f64>() / 200.0;
            assert!((mean - 0.5).abs() < 0.02, "axis {axis}: {mean}");
        }
    }
}
