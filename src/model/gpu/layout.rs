//! How the variables of a plain network lie in one flat buffer a run: matrices first, then norms,
//! each at a multiple of 64 entries.

use crate::model::config::ModelConfig;

/// Entries that a variable begins at a multiple of: 128 bytes of the smallest type.
const ALIGNED: usize = 64;

/// Matrices of a block, in the order of `Llama::variables`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matrix {
    Qkv,
    AttentionOut,
    GateUp,
    Down,
}

/// Places of the variables of a network, in entries from the start of its buffer.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    config: ModelConfig,
    /// Of each variable in the order of `Llama::variables`: where it begins, and its length.
    variables: Vec<(usize, usize)>,
    /// Where the norms begin: what is before is decayed.
    pub decayed: usize,
    /// Entries of a run.
    pub stride: usize,
}

impl Layout {
    /// For a plain network.
    pub(super) fn new(config: &ModelConfig) -> Self {
        let (d, f, q) = (config.d_model, config.d_ff, config.qkv_dim());
        // embedding, six a block, last norm
        let block = [
            (d, true),
            (q * d, false),
            (d * d, false),
            (d, true),
            (2 * f * d, false),
            (d * f, false),
        ];
        let mut sizes = vec![(config.vocab_size * d, false)];
        (0..config.n_layers).for_each(|_| sizes.extend(block));
        sizes.push((d, true));
        let mut variables = vec![(0, 0); sizes.len()];
        let mut place = 0;
        let mut decayed = 0;
        for norms in [false, true] {
            for (variable, &(len, is_norm)) in variables.iter_mut().zip(&sizes) {
                if is_norm == norms {
                    *variable = (place, len);
                    place = (place + len).next_multiple_of(ALIGNED);
                }
            }
            if !norms {
                decayed = place;
            }
        }
        Layout { config: *config, variables, decayed, stride: place }
    }

    /// Of each variable in the order of `Llama::variables`: where it begins, and its length.
    pub(super) fn variables(&self) -> &[(usize, usize)] {
        &self.variables
    }

    /// Where a matrix of a block begins.
    pub(super) fn matrix(&self, layer: usize, matrix: Matrix) -> usize {
        let of_block = match matrix {
            Matrix::Qkv => 1,
            Matrix::AttentionOut => 2,
            Matrix::GateUp => 4,
            Matrix::Down => 5,
        };
        self.variables[1 + 6 * layer + of_block].0
    }

    /// Where a norm begins: two a block, before the attention and before the feed-forward, then the
    /// last.
    pub(super) fn norm(&self, norm: usize) -> usize {
        self.decayed + norm * self.norms_apart()
    }

    /// Entries from one norm to the next.
    pub(super) fn norms_apart(&self) -> usize {
        self.config.d_model.next_multiple_of(ALIGNED)
    }

    /// Norms.
    pub(super) fn norms(&self) -> usize {
        2 * self.config.n_layers + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::Preset;

    #[test]
    fn variables_do_not_overlap_and_norms_come_last() {
        let config = ModelConfig {
            d_model: 24,
            n_heads: 3,
            n_kv_heads: 1,
            head_dim: 8,
            d_ff: 20,
            vocab_size: 37,
            ..ModelConfig::of(Preset::Nano, None)
        };
        let layout = Layout::new(&config);
        let mut places = layout.variables().to_vec();
        assert_eq!(places.iter().map(|place| place.1).sum::<usize>(), config.parameters());
        assert_eq!(layout.norm(0), places[1].0);
        assert_eq!(layout.norm(3), places[1 + 6 + 3].0);
        assert_eq!(layout.norm(layout.norms() - 1), places[places.len() - 1].0);
        assert_eq!(layout.matrix(1, Matrix::Down), places[1 + 6 + 5].0);
        places.sort_unstable();
        assert!(places.windows(2).all(|pair| pair[0].0 + pair[0].1 <= pair[1].0));
        assert!(places.iter().filter(|place| place.1 == 24).all(|place| place.0 >= layout.decayed));
        assert_eq!(layout.stride, (layout.norm(layout.norms() - 1) + 24).next_multiple_of(64));
    }
}
