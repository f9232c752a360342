//! Rank correlation.

/// Ranks from 0; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let below = |value: f64| values.iter().filter(|&&other| other < value).count() as f64;
    let equal = |value: f64| values.iter().filter(|&&other| other == value).count() as f64;
    values.iter().map(|&value| below(value) + (equal(value) - 1.0) / 2.0).collect()
}

/// Spearman's rank correlation of two lists of one length; none where one of them does not vary.
pub fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let centred = |values: &[f64]| {
        let ranks = ranks(values);
        let mean = ranks.iter().sum::<f64>() / ranks.len() as f64;
        ranks.into_iter().map(|rank| rank - mean).collect::<Vec<_>>()
    };
    let (a, b) = (centred(a), centred(b));
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let scale = (dot(&a, &a) * dot(&b, &b)).sqrt();
    (scale > 0.0).then(|| dot(&a, &b) / scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_count_not_values() {
        assert_eq!(spearman(&[1.0, 2.0, 30.0], &[0.1, 0.2, 0.3]), Some(1.0));
        assert_eq!(spearman(&[3.0, 2.0, 1.0], &[0.1, 0.2, 0.3]), Some(-1.0));
        assert_eq!(spearman(&[1.0, 1.0], &[0.1, 0.2]), None);
        // scipy.stats.spearmanr([1, 2, 2, 5], [3, 1, 2, 4]).statistic
        approx::assert_relative_eq!(
            spearman(&[1.0, 2.0, 2.0, 5.0], &[3.0, 1.0, 2.0, 4.0]).unwrap(),
            0.316_227_766_016_837_94
        );
    }
}
