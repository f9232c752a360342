//! Laws and their draws as a problem file writes them.

use super::ReadError;
use crate::solver::kernel::Kernel;
use crate::solver::problem::PartsError;
use serde::Deserialize;

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "snake_case")]
enum WireForm {
    Metric,
    Power,
    Shifted,
    Rectified,
}

/// A law; which parameters there must be goes by the form.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map with the `form` of a law and its parameters")]
#[allow(non_snake_case, reason = "the schema's own names")]
pub(super) struct WireLaw {
    form: WireForm,
    alpha: Option<f64>,
    gamma: Option<f64>,
    beta: Option<f64>,
    E: Option<f64>,
    A: Option<f64>,
    D0: Option<f64>,
    B: Option<f64>,
    Dl: Option<f64>,
}

/// One array a parameter; element `k` of each is draw `k`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a map with an array a parameter")]
#[allow(non_snake_case, reason = "the schema's own names")]
pub(super) struct Drawn {
    alpha: Option<Vec<f64>>,
    gamma: Option<Vec<f64>>,
    beta: Option<Vec<f64>>,
    E: Option<Vec<f64>>,
    A: Option<Vec<f64>>,
    D0: Option<Vec<f64>>,
    B: Option<Vec<f64>>,
    Dl: Option<Vec<f64>>,
}

impl WireLaw {
    /// The law itself, or one law a draw.
    pub(super) fn kernels(
        &self,
        i: usize,
        draws: Option<&Drawn>,
        drawn: bool,
    ) -> Result<Vec<Kernel>, ReadError> {
        if !drawn {
            return Ok(vec![self.kernel(i, None)?]);
        }
        let missing = |field: &str| ReadError::Schema {
            field: format!("languages[{i}].{field}"),
            cause: "is missing".to_owned(),
        };
        let draws = draws.ok_or_else(|| missing("draws"))?;
        let arrays = [
            &draws.alpha,
            &draws.gamma,
            &draws.beta,
            &draws.E,
            &draws.A,
            &draws.D0,
            &draws.B,
            &draws.Dl,
        ];
        let count = arrays
            .iter()
            .find_map(|array| array.as_ref().map(Vec::len))
            .ok_or_else(|| missing("draws"))?;
        if let Some(other) = arrays
            .iter()
            .find_map(|array| array.as_ref().map(Vec::len).filter(|&length| length != count))
        {
            let found = format!("arrays of {count} and of {other}");
            return Err(PartsError::new(
                format!("languages[{i}].draws"),
                found,
                "arrays of one length",
            )
            .into());
        }
        (0..count).map(|k| self.kernel(i, Some((draws, k)))).collect()
    }

    /// The law, or draw `k` of it.
    fn kernel(&self, i: usize, draw: Option<(&Drawn, usize)>) -> Result<Kernel, ReadError> {
        let at = |name: &'static str,
                  law: Option<f64>,
                  array: fn(&Drawn) -> &Option<Vec<f64>>,
                  may_vanish: bool| {
            let drawn = draw.and_then(|(draws, k)| array(draws).as_ref()?.get(k).copied());
            let field = match (drawn, draw) {
                (Some(_), Some((_, k))) => format!("languages[{i}].draws.{name}[{k}]"),
                _ => format!("languages[{i}].law.{name}"),
            };
            let Some(found) = drawn.or(law) else {
                return Err(ReadError::Schema { field, cause: "is missing".to_owned() });
            };
            let (holds, expected) = if may_vanish {
                (found >= 0.0, "a finite number not below 0")
            } else {
                (found > 0.0, "a finite number above 0")
            };
            if holds && found.is_finite() {
                Ok(found)
            } else {
                Err(PartsError::new(field, found, expected).into())
            }
        };
        let floor = || at("E", self.E, |draws| &draws.E, true);
        let alpha = || at("alpha", self.alpha, |draws| &draws.alpha, false);
        let beta = || at("beta", self.beta, |draws| &draws.beta, false);
        let scale = || at("A", self.A, |draws| &draws.A, false);
        match self.form {
            WireForm::Metric => Ok(Kernel::metric(
                alpha()?,
                at("gamma", self.gamma, |draws| &draws.gamma, false)?,
                beta()?,
            )),
            WireForm::Power => Ok(Kernel::shifted(floor()?, scale()?, alpha()?, 0.0)),
            WireForm::Shifted => Ok(Kernel::shifted(
                floor()?,
                scale()?,
                alpha()?,
                at("D0", self.D0, |draws| &draws.D0, true)?,
            )),
            WireForm::Rectified => {
                let scale = at("B", self.B, |draws| &draws.B, false)?;
                Ok(Kernel::rectified(
                    floor()?,
                    scale,
                    beta()?,
                    at("Dl", self.Dl, |draws| &draws.Dl, true)?,
                ))
            }
        }
    }
}
