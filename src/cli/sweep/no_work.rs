//! A build without the cargo feature `train` trains nothing.

use super::check::check_device;
use super::{Arguments, Trainer};
use crate::cli::failure::Failure;
use crate::corpus::{Bitext, Tongue};
use crate::spec::{BaseFiles, Experiment, RunSpec};
use crate::sweep::{Cost, Job, Site};

pub(super) fn train(
    _: &Experiment,
    _: (&[Bitext], &[Bitext], &[Tongue]),
    _: &BaseFiles,
    _: &[Job],
    _: &Site<'_>,
    _: &Cost,
    arguments: &Arguments,
) -> Result<(), Failure> {
    check_device(&arguments.device, arguments.trainer)
}

pub(super) fn make_base(
    _: &Experiment,
    _: &[Bitext],
    _: &BaseFiles,
    arguments: &Arguments,
) -> Result<(), Failure> {
    check_device(&arguments.device, Trainer::Candle)
}

pub(super) fn measured_speed(_: &Experiment, _: &Arguments) -> Option<f64> {
    None
}

pub(super) fn memory_of(
    _: &Experiment,
    _: &[Bitext],
    _: &BaseFiles,
    _: &Arguments,
) -> impl Fn(&RunSpec) -> Option<f64> {
    |_: &RunSpec| None
}
