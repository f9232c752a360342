//! AdamW by hand, and what gradients may not do to it.

use super::*;

/// One step with the gradient `gradient` at every entry of every variable.
fn step(optimiser: &mut AdamW, model: &Llama, gradient: f64) -> f64 {
    let variables = model.variables();
    if model.variables()[0].1.dtype() == DType::F32 {
        let gradients: Vec<Vec<f32>> =
            variables.iter().map(|(_, var)| vec![gradient as f32; var.elem_count()]).collect();
        return optimiser.step(&Gradients::Slices(&gradients), 1.0, 0.1).unwrap();
    }
    let constant = |var: &Var| Tensor::full(gradient, var.shape(), &Device::Cpu).unwrap();
    optimiser
        .step(
            &Gradients::Tensors(variables.iter().map(|(_, var)| constant(var)).collect()),
            1.0,
            0.1,
        )
        .unwrap()
}

/// First entries of the embedding, a matrix, and of the last norm.
fn entries(model: &Llama) -> [f64; 2] {
    let variables = model.variables();
    [variables.first(), variables.last()].map(|found| {
        let values = found.unwrap().1.flatten_all().unwrap().to_dtype(DType::F64).unwrap();
        values.get(0).unwrap().to_scalar::<f64>().unwrap()
    })
}

/// By hand with lr 0.1, beta1 0.9, beta2 0.99, decay 0.5 and gradients 0.5 and -0.25:
/// m = 0.05, v = 0.0025, change 0.1 * 0.5 / 0.5;
/// m = 0.02, v = 0.0031, change 0.1 * (0.02 / 0.19) / sqrt(0.0031 / 0.0199).
#[test]
fn two_steps_of_adamw_by_hand() {
    let optimisation =
        Optimisation { weight_decay: 0.5, grad_clip: 1e9, ..Optimisation::default() };
    let change = 0.1 * (0.02 / 0.19) / (0.0031f64 / 0.0199).sqrt();
    // in f32 the moments are slices, in f64 tensors
    for (dtype, tolerance) in [(DType::F32, 1e-6), (DType::F64, 1e-8)] {
        let model = model(TINY, dtype);
        let [matrix, norm] = entries(&model);
        let mut optimiser = AdamW::new(&model, optimisation).unwrap();
        let count = model.variables().iter().map(|(_, var)| var.elem_count()).sum::<usize>() as f64;
        approx::assert_relative_eq!(
            step(&mut optimiser, &model, 0.5),
            0.5 * count.sqrt(),
            max_relative = 1e-5
        );
        step(&mut optimiser, &model, -0.25);
        let expected = [0.95 * (0.95 * matrix - 0.1) - change, norm - 0.1 - change];
        for (found, expected) in entries(&model).into_iter().zip(expected) {
            approx::assert_abs_diff_eq!(found, expected, epsilon = tolerance);
        }
    }
}

#[test]
fn a_long_gradient_is_cut_and_one_that_is_not_finite_changes_nothing() {
    let model = model(TINY, DType::F32);
    let before = entries(&model);
    // clipped to 1e-9 the gradient is far below the 1e-8 beside the root, so that a change shows
    // the cut
    let mut optimiser = AdamW::new(
        &model,
        Optimisation { weight_decay: 0.0, grad_clip: 1e-9, ..Optimisation::default() },
    )
    .unwrap();
    assert!(step(&mut optimiser, &model, 1e3) > 1e4, "the norm is that before the cut");
    let after = entries(&model);
    assert!(
        before.iter().zip(after).all(|(before, after)| (before - after).abs() < 0.01),
        "{before:?} {after:?}"
    );
    assert!(!step(&mut optimiser, &model, f64::NAN).is_finite());
    assert_eq!(entries(&model), after);
}
