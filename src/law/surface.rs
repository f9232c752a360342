//! Surfaces: the loss `L(N, D)` of a model of N parameters on D tokens or pairs, so that small
//! models speak for a larger one.
//!
//! | form | `L(N, D)` | source |
//! |---|---|---|
//! | `additive` | `E + A N^-alpha + B D^-beta` | Hoffmann et al. 2022 |
//! | `multiplicative` | `E + A N^-alpha D^-beta` | Zhang et al. 2024, fine-tuning |
//!
//! At one N each is a `power_floor` law in D.

use super::wire::{self, Wire};
use super::{Form, Law, LawError, checked};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// The forms of a surface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SurfaceForm {
    /// `E + A N^-alpha + B D^-beta`.
    Additive,
    /// `E + A N^-alpha D^-beta`.
    Multiplicative,
}

impl SurfaceForm {
    /// Both forms.
    pub const ALL: [SurfaceForm; 2] = [SurfaceForm::Additive, SurfaceForm::Multiplicative];

    /// Name in files and flags.
    pub fn name(self) -> &'static str {
        match self {
            SurfaceForm::Additive => "additive",
            SurfaceForm::Multiplicative => "multiplicative",
        }
    }

    /// The formula, for people.
    pub fn formula(self) -> &'static str {
        match self {
            SurfaceForm::Additive => "E + A N^-alpha + B D^-beta",
            SurfaceForm::Multiplicative => "E + A N^-alpha D^-beta",
        }
    }

    /// Names of the parameters: E is `irreducible`; A, alpha `scale_n`, `exponent_n`; B, beta
    /// `scale_d`, `exponent_d`; the one A of `multiplicative` `scale`.
    pub fn parameter_names(self) -> &'static [&'static str] {
        match self {
            SurfaceForm::Additive => {
                &["irreducible", "scale_n", "exponent_n", "scale_d", "exponent_d"]
            }
            SurfaceForm::Multiplicative => &["irreducible", "scale", "exponent_n", "exponent_d"],
        }
    }
}

impl fmt::Display for SurfaceForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for SurfaceForm {
    type Err = LawError;

    fn from_str(text: &str) -> Result<Self, LawError> {
        let found = SurfaceForm::ALL.into_iter().find(|form| form.name() == text);
        found.ok_or_else(|| LawError::Surface { found: text.to_owned() })
    }
}

/// A surface with checked parameters.
///
/// Invariants, checked in [`Surface::new`] and on reading: every parameter finite; `irreducible`
/// and the exponents not below 0, `exponent_d` and all scales above 0. So the loss falls in D and
/// does not rise in N.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(try_from = "Wire<SurfaceForm>")]
pub struct Surface {
    form: SurfaceForm,
    /// Parameters in the order of their names; 0 beyond the last.
    values: [f64; 5],
}

/// `scale x^-exponent`, by logarithms.
fn power(scale: f64, x: f64, exponent: f64) -> f64 {
    if exponent == 0.0 { scale } else { (scale.ln() - exponent * x.ln()).exp() }
}

impl Surface {
    /// The surface of a form from its parameters, in the order of [`SurfaceForm::parameter_names`].
    pub fn new(form: SurfaceForm, parameters: &[f64]) -> Result<Self, LawError> {
        let may_vanish =
            |number: usize| matches!(form.parameter_names()[number], "irreducible" | "exponent_n");
        let values = checked(form.name(), form.parameter_names(), may_vanish, parameters)?;
        Ok(Surface { form, values })
    }

    /// Form of the surface.
    pub fn form(&self) -> SurfaceForm {
        self.form
    }

    /// Names and values of the parameters, in the order of [`SurfaceForm::parameter_names`].
    pub fn parameters(&self) -> Vec<(&'static str, f64)> {
        self.form.parameter_names().iter().copied().zip(self.values).collect()
    }

    /// Loss of a model of `n_params` parameters on `amount` of data, nats per target token;
    /// infinite where either is 0.
    pub fn loss(&self, n_params: f64, amount: f64) -> f64 {
        match (self.form, self.values) {
            (SurfaceForm::Additive, [irreducible, scale_n, exponent_n, scale_d, exponent_d]) => {
                irreducible
                    + power(scale_n, n_params, exponent_n)
                    + power(scale_d, amount, exponent_d)
            }
            (SurfaceForm::Multiplicative, [irreducible, scale, exponent_n, exponent_d, _]) => {
                irreducible + power(power(scale, n_params, exponent_n), amount, exponent_d)
            }
        }
    }

    /// Slopes in the parameters of the model and in the amount of data, nats per target token each;
    /// never above 0.
    pub fn slopes(&self, n_params: f64, amount: f64) -> (f64, f64) {
        match (self.form, self.values) {
            (SurfaceForm::Additive, [_, scale_n, exponent_n, scale_d, exponent_d]) => (
                -exponent_n * power(scale_n, n_params, exponent_n + 1.0),
                -exponent_d * power(scale_d, amount, exponent_d + 1.0),
            ),
            (SurfaceForm::Multiplicative, [_, scale, exponent_n, exponent_d, _]) => {
                let (by_n, by_d) =
                    (power(scale, n_params, exponent_n + 1.0), power(scale, n_params, exponent_n));
                (
                    -exponent_n * power(by_n, amount, exponent_d),
                    -exponent_d * power(by_d, amount, exponent_d + 1.0),
                )
            }
        }
    }

    /// `dL/dparameter` in the order of [`SurfaceForm::parameter_names`], for `n_params` and
    /// `amount` above 0.
    pub fn gradient(&self, n_params: f64, amount: f64) -> Vec<f64> {
        match (self.form, self.values) {
            (SurfaceForm::Additive, [_, scale_n, exponent_n, scale_d, exponent_d]) => {
                let (by_n, by_d) =
                    (power(1.0, n_params, exponent_n), power(1.0, amount, exponent_d));
                vec![
                    1.0,
                    by_n,
                    -scale_n * by_n * n_params.ln(),
                    by_d,
                    -scale_d * by_d * amount.ln(),
                ]
            }
            (SurfaceForm::Multiplicative, [_, scale, exponent_n, exponent_d, _]) => {
                let by_scale = power(power(1.0, n_params, exponent_n), amount, exponent_d);
                vec![
                    1.0,
                    by_scale,
                    -scale * by_scale * n_params.ln(),
                    -scale * by_scale * amount.ln(),
                ]
            }
        }
    }

    /// The law in D of models of `n_params` parameters. It fails only where a number leaves the
    /// range of an `f64`.
    pub fn at(&self, n_params: f64) -> Result<Law, LawError> {
        let parameters = match (self.form, self.values) {
            (SurfaceForm::Additive, [irreducible, scale_n, exponent_n, scale_d, exponent_d]) => {
                [irreducible + power(scale_n, n_params, exponent_n), scale_d, exponent_d]
            }
            (SurfaceForm::Multiplicative, [irreducible, scale, exponent_n, exponent_d, _]) => {
                [irreducible, power(scale, n_params, exponent_n), exponent_d]
            }
        };
        Law::new(Form::PowerFloor, &parameters)
    }
}

impl TryFrom<Wire<SurfaceForm>> for Surface {
    type Error = LawError;

    fn try_from(wire: Wire<SurfaceForm>) -> Result<Self, LawError> {
        Surface::new(wire.form, &wire.values(wire.form.name(), wire.form.parameter_names())?)
    }
}

impl Serialize for Surface {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        wire::write(&self.form, &self.parameters(), serializer)
    }
}

impl fmt::Display for Surface {
    /// The formula with its numbers, rounded for the eye.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.form, self.values) {
            (SurfaceForm::Additive, [irreducible, scale_n, exponent_n, scale_d, exponent_d]) => {
                write!(
                    f,
                    "{irreducible:.4} + {scale_n:.4} N^-{exponent_n:.4} + {scale_d:.4} \
                    D^-{exponent_d:.4}"
                )
            }
            (SurfaceForm::Multiplicative, [irreducible, scale, exponent_n, exponent_d, _]) => {
                write!(f, "{irreducible:.4} + {scale:.4} N^-{exponent_n:.4} D^-{exponent_d:.4}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numeric::differences::derivative;
    use proptest::prelude::*;

    fn any_surface() -> impl Strategy<Value = Surface> {
        (0.0..3.0f64, -2.0..6.0f64, 0.0..1.0f64, -2.0..6.0f64, 0.05..1.5f64, any::<bool>())
            .prop_map(|(e, a, alpha, b, beta, additive)| {
                if additive {
                    Surface::new(SurfaceForm::Additive, &[e, a.exp(), alpha, b.exp(), beta])
                        .unwrap()
                } else {
                    Surface::new(SurfaceForm::Multiplicative, &[e, a.exp(), alpha, beta]).unwrap()
                }
            })
    }

    proptest! {
        #[test]
        fn slopes_and_gradient_agree_with_differences(
            surface in any_surface(),
            ln_n in 2.0..10.0f64,
            ln_d in 2.0..10.0f64,
        ) {
            let (n, d) = (ln_n.exp(), ln_d.exp());
            // differences of a sum have the rounding of the sum
            let near = |found: f64, expected: f64, step: f64| {
                (found - expected).abs()
                    <= 1e-5 * expected.abs() + 1e-14 * surface.loss(n, d) / step
            };
            let (by_n, by_d) = surface.slopes(n, d);
            prop_assert!(near(by_n, derivative(|n| surface.loss(n, d), n, 1e-2 * n), 1e-2 * n));
            prop_assert!(near(by_d, derivative(|d| surface.loss(n, d), d, 1e-2 * d), 1e-2 * d));
            let values: Vec<f64> = surface.parameters().iter().map(|(_, value)| *value).collect();
            for (at, found) in surface.gradient(n, d).into_iter().enumerate() {
                let along = |value: f64| {
                    let mut moved = values.clone();
                    moved[at] = value;
                    Surface::new(surface.form(), &moved).map_or(f64::NAN, |moved| moved.loss(n, d))
                };
                let step = 1e-3 * values[at].max(1e-2);
                prop_assume!(values[at] > step);
                prop_assert!(
                    near(found, derivative(along, values[at], step), step),
                    "{surface} {at}"
                );
            }
        }

        #[test]
        fn one_model_size_is_a_law(
            surface in any_surface(),
            ln_n in 2.0..30.0f64,
            ln_d in 2.0..30.0f64,
        ) {
            let (n, d) = (ln_n.exp(), ln_d.exp());
            approx::assert_relative_eq!(
                surface.at(n).unwrap().loss(d),
                surface.loss(n, d),
                max_relative = 1e-12
            );
        }

        #[test]
        fn json_gives_the_same_surface(surface in any_surface()) {
            let text = serde_json::to_string(&surface).unwrap();
            prop_assert_eq!(serde_json::from_str::<Surface>(&text).unwrap(), surface);
        }
    }

    #[test]
    fn the_published_surface_has_its_published_loss() {
        // Chinchilla itself, 70e9 parameters and 1.4e12 tokens, by the rounded law of Hoffmann et
        // al. 2022
        let law = Surface::new(SurfaceForm::Additive, &[1.69, 406.4, 0.34, 410.7, 0.28]).unwrap();
        approx::assert_relative_eq!(law.loss(70e9, 1.4e12), 1.936_5, max_relative = 1e-3);
        assert!(law.loss(0.0, 1e9).is_infinite() && law.loss(1e9, 0.0).is_infinite());
    }

    #[test]
    fn bad_parameters_are_named() {
        let error = Surface::new(SurfaceForm::Multiplicative, &[1.0, 0.0, 0.1, 0.1]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "scale of a `multiplicative` law is 0, expected a finite number above 0"
        );
        assert!(Surface::new(SurfaceForm::Additive, &[1.0, 2.0, 0.1]).is_err());
        assert!("chinchilla".parse::<SurfaceForm>().is_err());
        assert_eq!("additive".parse(), Ok(SurfaceForm::Additive));
    }
}
