//! Tables: curves, laws, allocation, policies and budget path as CSV. Every digit is kept, what is
//! absent is empty.

use super::{Provenance, R_STAR, Report, ReportError, held_out_error, parameters};
use crate::allocate::{Active, Budget, Comparison, PolicyRow};
use crate::curve::Point;
use crate::fit::Fit;
use crate::fit::transfer::TransferFit;
use crate::similarity::{Gain, Likeness, Miss, Score, Similarity, Trial};
use crate::units::Estimate;
use crate::validate::{CoupledRow, LossRow, PolicyResult, Validation};
use polars::prelude::*;

/// Every table the report has the numbers for, with its file name.
pub fn tables(report: &Report) -> Result<Vec<(String, Vec<u8>)>, ReportError> {
    let mut tables =
        vec![("curves.csv".to_owned(), curves(report)?), ("laws.csv".to_owned(), laws(report)?)];
    if let Some(comparison) = report.comparison {
        tables.push(("allocation.csv".to_owned(), allocation(report, comparison)?));
        tables.push(("policies.csv".to_owned(), policies(report, comparison)?));
    }
    if !report.path.is_empty() {
        tables.push(("budget.csv".to_owned(), budget(report)?));
    }
    if let Some(transfer) = report.transfer {
        tables.push(("transfer.csv".to_owned(), self::transfer(report, transfer)?));
        if !transfer.untuned.is_empty() {
            tables.push(("untuned.csv".to_owned(), untuned(report, transfer)?));
        }
    }
    if !report.front.is_empty() {
        tables.push(("pareto.csv".to_owned(), pareto(report)?));
    }
    Ok(tables)
}

/// ln measured - ln fitted of one point.
pub fn residual_log(fit: &Fit, point: &Point) -> f64 {
    (point.loss_nats / fit.law.loss(fit.effective(point.pairs))).ln()
}

/// One row a measured point:
/// `lang,pairs,effective_pairs,seed,loss_nats,fitted_loss_nats,residual_log`. `effective_pairs` are
/// the unique pairs that as good a loss takes: fewer than `pairs` where some are repeated.
pub fn curves(report: &Report) -> Result<Vec<u8>, ReportError> {
    let rows: Vec<(&Fit, &Point)> = report
        .fits
        .iter()
        .flat_map(|fit| fit.all_points().map(move |point| (fit, point)))
        .collect();
    let worth = |&(fit, point): &(&Fit, &Point)| fit.effective(point.pairs);
    let fitted = |row: &(&Fit, &Point)| row.0.law.loss(worth(row));
    let columns = vec![
        texts("lang", rows.iter().map(|(fit, _)| fit.curve.as_str())),
        amounts("pairs", rows.iter().map(|(_, point)| point.pairs).collect()),
        amounts("effective_pairs", rows.iter().map(worth).collect()),
        counts("seed", rows.iter().map(|(_, point)| point.seed)),
        reals("loss_nats", rows.iter().map(|(_, point)| point.loss_nats)),
        reals("fitted_loss_nats", rows.iter().map(fitted)),
        reals("residual_log", rows.iter().map(|(fit, point)| residual_log(fit, point))),
    ];
    write("curves", report, columns)
}

/// One row an ordered pair of languages: `lang,from_lang,tau,tau_lo90,tau_hi90`.
pub fn transfer(report: &Report, transfer: &TransferFit) -> Result<Vec<u8>, ReportError> {
    let columns = vec![
        texts("lang", transfer.tau.iter().map(|row| row.to.as_str())),
        texts("from_lang", transfer.tau.iter().map(|row| row.from.as_str())),
        reals("tau", transfer.tau.iter().map(|row| row.tau.value)),
        reals("tau_lo90", transfer.tau.iter().map(|row| row.tau.interval_90.lo)),
        reals("tau_hi90", transfer.tau.iter().map(|row| row.tau.interval_90.hi)),
    ];
    write("transfer", report, columns)
}

/// One row per language that mixtures left out:
/// `lang,mixtures,change_log,change_lo90_log,change_hi90_log` of its loss against the base model's.
pub fn untuned(report: &Report, transfer: &TransferFit) -> Result<Vec<u8>, ReportError> {
    let rows = || transfer.untuned.iter();
    let columns = vec![
        texts("lang", rows().map(|row| row.lang.as_str())),
        counts("mixtures", rows().map(|row| row.mixtures as u64)),
        reals("change_log", rows().map(|row| row.change_log.value)),
        reals("change_lo90_log", rows().map(|row| row.change_log.interval_90.lo)),
        reals("change_hi90_log", rows().map(|row| row.change_log.interval_90.hi)),
    ];
    write("untuned", report, columns)
}

/// One row a parameter: `lang,form,parameter,value,lo90,hi90`, then what is known of the whole fit.
/// The last of a language is `r_star`, where its unique pairs are known; its `form` is
/// `repetition`.
pub fn laws(report: &Report) -> Result<Vec<u8>, ReportError> {
    let rows: Vec<_> = report
        .fits
        .iter()
        .flat_map(|fit| parameters(fit).map(move |parameter| (fit, parameter)))
        .collect();
    let fits = || rows.iter().map(|(fit, _)| *fit);
    let flags =
        |fit: &Fit| fit.flags.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
    let columns = vec![
        texts("lang", fits().map(|fit| fit.curve.as_str())),
        texts(
            "form",
            rows.iter().map(
                |(fit, (name, _))| {
                    if *name == R_STAR { "repetition" } else { fit.law.form().name() }
                },
            ),
        ),
        texts("parameter", rows.iter().map(|(_, (name, _))| *name)),
        reals("value", rows.iter().map(|(_, (_, estimate))| estimate.value)),
        reals("lo90", rows.iter().map(|(_, (_, estimate))| estimate.interval_90.lo)),
        reals("hi90", rows.iter().map(|(_, (_, estimate))| estimate.interval_90.hi)),
        reals("held_out_error_log", fits().map(held_out_error)),
        reals("noise_log", fits().map(|fit| fit.noise_log)),
        counts("starts", fits().map(|fit| fit.starts as u64)),
        counts("starts_agreed", fits().map(|fit| fit.starts_agreed as u64)),
        texts("flags", fits().map(flags)),
    ];
    write("laws", report, columns)
}

/// One row per policy and language. Intervals of shares, marginal gains and active bounds are those
/// of the optimum only.
pub fn allocation(report: &Report, comparison: &Comparison) -> Result<Vec<u8>, ReportError> {
    let languages = &comparison.allocation.languages;
    let rows: Vec<(usize, usize, &PolicyRow)> = comparison
        .policies
        .iter()
        .enumerate()
        .flat_map(|(policy, row)| (0..row.pairs.len()).map(move |lang| (policy, lang, row)))
        .collect();
    let total = |row: &PolicyRow| row.pairs.iter().sum::<u64>() as f64;
    // the first policy is the solved problem itself
    let ours = |policy: usize, lang: usize| languages.get(lang).filter(|_| policy == 0);
    let share = |policy: usize, lang: usize| comparison.shares.get(lang).filter(|_| policy == 0);
    let unique = |lang: usize| Some(report.term(&languages.get(lang)?.lang)?.unique? as f64);
    let columns = vec![
        texts("policy", rows.iter().map(|(_, _, row)| row.policy.to_string())),
        texts(
            "lang",
            rows.iter().map(|&(_, lang, _)| {
                languages.get(lang).map_or("", |allocated| allocated.lang.as_str())
            }),
        ),
        counts("pairs", rows.iter().map(|(_, lang, row)| row.pairs[*lang])),
        reals("share", rows.iter().map(|(_, lang, row)| row.pairs[*lang] as f64 / total(row))),
        reals(
            "share_lo90",
            rows.iter()
                .map(|&(policy, lang, _)| share(policy, lang).map(|share| share.interval_90.lo)),
        ),
        reals(
            "share_hi90",
            rows.iter()
                .map(|&(policy, lang, _)| share(policy, lang).map(|share| share.interval_90.hi)),
        ),
        reals(
            "epochs",
            rows.iter()
                .map(|(_, lang, row)| unique(*lang).map(|unique| row.pairs[*lang] as f64 / unique)),
        ),
        reals("loss_nats", rows.iter().map(|(_, lang, row)| Some(row.loss_nats.get(*lang)?.value))),
        reals(
            "loss_nats_lo90",
            rows.iter().map(|(_, lang, row)| Some(row.loss_nats.get(*lang)?.interval_90.lo)),
        ),
        reals(
            "loss_nats_hi90",
            rows.iter().map(|(_, lang, row)| Some(row.loss_nats.get(*lang)?.interval_90.hi)),
        ),
        reals(
            "marginal_gain_per_1k_nats",
            rows.iter().map(|&(policy, lang, _)| Some(ours(policy, lang)?.marginal_gain_per_1k)),
        ),
        texts(
            "active",
            rows.iter().map(|&(policy, lang, _)| {
                ours(policy, lang).map_or("", |allocated| active(allocated.active))
            }),
        ),
    ];
    let allocated = &comparison.allocation;
    let budget = match allocated.budget {
        Budget::Pairs(pairs) => format!("{pairs} pairs"),
        Budget::Cost(cost) => format!("{cost} units of cost"),
    };
    // of the optimum as a whole, which no row has a place for
    let solved = format!(
        "{}\n# budget {budget}, objective {:?} nats, lower bound {:?} nats, gap {:?}, shadow price \
        {:?} nats per unit of the budget",
        report.provenance.stamp(),
        allocated.objective,
        allocated.lower_bound,
        allocated.gap,
        allocated.shadow_price
    );
    stamped("allocation", &solved, columns)
}

fn active(active: Active) -> &'static str {
    match active {
        Active::None => "none",
        Active::Lower => "lower",
        Active::Floor => "floor",
        Active::Upper => "upper",
    }
}

/// One row per policy: predicted mean and worst loss, gain over uniform, how far it is behind ours.
pub fn policies(report: &Report, comparison: &Comparison) -> Result<Vec<u8>, ReportError> {
    let rows = || comparison.policies.iter();
    let columns = vec![
        texts("policy", rows().map(|row| row.policy.to_string())),
        reals("mean_loss_nats", rows().map(|row| row.mean_loss_nats.value)),
        reals("mean_loss_nats_lo90", rows().map(|row| row.mean_loss_nats.interval_90.lo)),
        reals("mean_loss_nats_hi90", rows().map(|row| row.mean_loss_nats.interval_90.hi)),
        reals("gain_nats", rows().map(|row| row.gain_nats.map(|gain| gain.value))),
        reals("gain_nats_lo90", rows().map(|row| row.gain_nats.map(|gain| gain.interval_90.lo))),
        reals("gain_nats_hi90", rows().map(|row| row.gain_nats.map(|gain| gain.interval_90.hi))),
        reals("worst_loss_nats", rows().map(|row| row.worst_loss_nats.value)),
        reals("worst_loss_nats_lo90", rows().map(|row| row.worst_loss_nats.interval_90.lo)),
        reals("worst_loss_nats_hi90", rows().map(|row| row.worst_loss_nats.interval_90.hi)),
        reals("behind_parallot_nats", rows().map(|row| row.behind_nats.map(|behind| behind.value))),
        reals(
            "behind_parallot_nats_lo90",
            rows().map(|row| row.behind_nats.map(|behind| behind.interval_90.lo)),
        ),
        reals(
            "behind_parallot_nats_hi90",
            rows().map(|row| row.behind_nats.map(|behind| behind.interval_90.hi)),
        ),
        counts("draws", rows().map(|_| comparison.draws as u64)),
    ];
    write("policies", report, columns)
}

/// One row a budget and language of the path.
pub fn budget(report: &Report) -> Result<Vec<u8>, ReportError> {
    let rows: Vec<_> = report
        .path
        .iter()
        .flat_map(|at| at.languages.iter().map(move |allocated| (at, allocated)))
        .collect();
    let of_cost = report.path.iter().any(|at| matches!(at.budget, Budget::Cost(_)));
    let columns = vec![
        amounts(
            if of_cost { "budget_cost" } else { "budget_pairs" },
            rows.iter().map(|(at, _)| at.budget.amount()).collect(),
        ),
        texts("lang", rows.iter().map(|(_, allocated)| allocated.lang.as_str())),
        counts("pairs", rows.iter().map(|(_, allocated)| allocated.pairs)),
        reals("share", rows.iter().map(|(_, allocated)| allocated.share)),
        reals("loss_nats", rows.iter().map(|(_, allocated)| allocated.loss_nats)),
        reals(
            "marginal_gain_per_1k_nats",
            rows.iter().map(|(_, allocated)| allocated.marginal_gain_per_1k),
        ),
        texts("active", rows.iter().map(|(_, allocated)| active(allocated.active))),
    ];
    write("budget", report, columns)
}

/// One row per point of the front between the mean and the worst language, and language.
pub fn pareto(report: &Report) -> Result<Vec<u8>, ReportError> {
    let rows: Vec<_> = report
        .front
        .iter()
        .enumerate()
        .flat_map(|(place, point)| {
            report
                .terms
                .iter()
                .zip(&point.pairs)
                .map(move |(term, &pairs)| (place, point, term, pairs))
        })
        .collect();
    let columns = vec![
        counts("point", rows.iter().map(|row| row.0 as u64)),
        reals("mean_loss_nats", rows.iter().map(|row| row.1.mean_loss_nats)),
        reals("worst_loss_nats", rows.iter().map(|row| row.1.worst_loss_nats)),
        texts("lang", rows.iter().map(|row| row.2.lang.as_str())),
        counts("pairs", rows.iter().map(|row| row.3)),
        reals("loss_nats", rows.iter().map(|row| row.2.loss(row.3 as f64))),
    ];
    write("pareto", report, columns)
}

/// One row per policy and language:
/// `policy,lang,pairs,predicted_loss_nats,lo90,hi90,measured_loss_nats,error_log,is_held,seeds`,
/// then the policy's gains, and what laws with transfer predicted.
pub fn validation(validation: &Validation) -> Result<Vec<u8>, ReportError> {
    let rows: Vec<(&PolicyResult, &LossRow)> = validation
        .policies
        .iter()
        .flat_map(|policy| policy.losses.iter().map(move |row| (policy, row)))
        .collect();
    let coupled = |part: fn(&CoupledRow) -> f64| {
        let of = move |row: &LossRow| row.coupled.as_ref().map(part);
        rows.iter().map(|(_, row)| of(row)).collect::<Vec<_>>().into_iter()
    };
    let over_rows = |of: &dyn Fn(&PolicyResult) -> Option<f64>| {
        rows.iter().map(|(policy, _)| of(policy)).collect::<Vec<_>>().into_iter()
    };
    let gain = |part: fn(&Estimate) -> f64| {
        over_rows(&|policy| policy.measured_gain_nats.as_ref().map(part))
    };
    let behind = |part: fn(&Estimate) -> f64| {
        over_rows(&|policy| policy.measured_behind_nats.as_ref().map(part))
    };
    let columns = vec![
        texts("policy", rows.iter().map(|(policy, _)| policy.policy.to_string())),
        texts("lang", rows.iter().map(|(_, row)| row.lang.as_str())),
        counts("pairs", rows.iter().map(|(_, row)| row.pairs)),
        reals("predicted_loss_nats", rows.iter().map(|(_, row)| row.predicted_nats.value)),
        reals("predicted_lo90_nats", rows.iter().map(|(_, row)| row.predicted_nats.interval_90.lo)),
        reals("predicted_hi90_nats", rows.iter().map(|(_, row)| row.predicted_nats.interval_90.hi)),
        reals("measured_loss_nats", rows.iter().map(|(_, row)| row.measured_nats)),
        reals("error_log", rows.iter().map(|(_, row)| row.error_log)),
        texts("is_held", rows.iter().map(|(_, row)| row.is_held.to_string())),
        reals("coupled_loss_nats", coupled(|row| row.predicted_nats.value)),
        reals("coupled_lo90_nats", coupled(|row| row.predicted_nats.interval_90.lo)),
        reals("coupled_hi90_nats", coupled(|row| row.predicted_nats.interval_90.hi)),
        reals("coupled_error_log", coupled(|row| row.error_log)),
        counts("seeds", rows.iter().map(|(policy, _)| policy.seeds.len() as u64)),
        reals(
            "predicted_gain_nats",
            rows.iter().map(|(policy, _)| policy.predicted_gain_nats.value),
        ),
        reals(
            "coupled_gain_nats",
            rows.iter().map(|(policy, _)| policy.coupled_gain_nats.map(|gain| gain.value)),
        ),
        reals("measured_gain_nats", gain(|gain| gain.value)),
        reals("measured_gain_lo90_nats", gain(|gain| gain.interval_90.lo)),
        reals("measured_gain_hi90_nats", gain(|gain| gain.interval_90.hi)),
        reals("measured_behind_nats", behind(|behind| behind.value)),
        reals("measured_behind_lo90_nats", behind(|behind| behind.interval_90.lo)),
        reals("measured_behind_hi90_nats", behind(|behind| behind.interval_90.hi)),
    ];
    stamped("validation", &Provenance::of_validation(validation).stamp(), columns)
}

/// One row per measure, predictor and language: what is known of the language, how far it was
/// predicted, then what is known of the predictor.
pub fn similarity(similarity: &Similarity) -> Result<Vec<u8>, ReportError> {
    type Row<'a> = (&'a Trial, &'a Score, usize);
    let scores = similarity
        .trials
        .iter()
        .flat_map(|trial| trial.scores.iter().map(move |score| (trial, score)));
    let rows: Vec<Row> = scores
        .flat_map(|(trial, score)| (0..score.misses.len()).map(move |at| (trial, score, at)))
        .collect();
    let of = |part: fn(&Likeness) -> f64| {
        rows.iter().map(move |&(_, _, at)| part(&similarity.languages[at]))
    };
    let miss =
        |part: fn(&Miss) -> f64| rows.iter().map(move |&(_, score, at)| part(&score.misses[at]));
    let gain = |part: fn(&Gain) -> f64| {
        rows.iter().map(move |(_, score, _)| score.gain.as_ref().map(part))
    };
    let columns = vec![
        texts("measure", rows.iter().map(|(trial, _, _)| trial.measure.to_string())),
        texts("predictor", rows.iter().map(|(_, score, _)| score.predictor.to_string())),
        texts("lang", rows.iter().map(|&(_, _, at)| similarity.languages[at].lang.as_str())),
        reals("cosine_parallel", of(|row| row.cosine.parallel)),
        reals("cosine_random", of(|row| row.cosine.random)),
        reals("gamma_cosine", of(|row| row.cosine.gamma.value)),
        reals("gamma_cosine_lo90", of(|row| row.cosine.gamma.interval_90.lo)),
        reals("gamma_cosine_hi90", of(|row| row.cosine.gamma.interval_90.hi)),
        reals("gamma_vocabulary", of(|row| row.vocabulary.gamma)),
        reals("shared_types", of(|row| row.vocabulary.types)),
        reals("level_log", rows.iter().map(|&(trial, _, at)| trial.levels_log[at])),
        reals("rms_log", miss(|miss| miss.rms_log)),
        reals("bias_log", miss(|miss| miss.bias_log)),
        reals("all_rms_log", rows.iter().map(|(_, score, _)| score.rms_log)),
        reals("gain_log", gain(|gain| gain.error_log.value)),
        reals("gain_lo90_log", gain(|gain| gain.error_log.interval_90.lo)),
        reals("gain_hi90_log", gain(|gain| gain.error_log.interval_90.hi)),
        reals("by_chance", gain(|gain| gain.by_chance)),
    ];
    stamped("similarity", &Provenance::of_similarity(similarity).stamp(), columns)
}

/// A column of numbers; what is not finite is absent.
fn reals<T: Into<Option<f64>>>(name: &str, values: impl Iterator<Item = T>) -> Column {
    let values: Vec<Option<f64>> =
        values.map(|value| value.into().filter(|value| value.is_finite())).collect();
    Column::new(name.into(), values)
}

fn counts(name: &str, values: impl Iterator<Item = u64>) -> Column {
    Column::new(name.into(), values.collect::<Vec<u64>>())
}

/// Amounts as whole numbers where all of them are.
fn amounts(name: &str, values: Vec<f64>) -> Column {
    let whole = values.iter().all(|value| value.fract() == 0.0 && *value < 9_007_199_254_740_992.0);
    if whole {
        counts(name, values.iter().map(|&value| value as u64))
    } else {
        reals(name, values.into_iter())
    }
}

/// A column of texts; the empty text is absent.
fn texts<T: Into<String>>(name: &str, values: impl Iterator<Item = T>) -> Column {
    let values: Vec<Option<String>> =
        values.map(|value| Some(value.into()).filter(|text| !text.is_empty())).collect();
    Column::new(name.into(), values)
}

fn write(
    table: &'static str,
    report: &Report,
    columns: Vec<Column>,
) -> Result<Vec<u8>, ReportError> {
    stamped(table, &report.provenance.stamp(), columns)
}

fn stamped(table: &'static str, stamp: &str, columns: Vec<Column>) -> Result<Vec<u8>, ReportError> {
    let failed = |cause| ReportError::Table { table, cause };
    let mut frame = DataFrame::new_infer_height(columns).map_err(failed)?;
    let mut bytes = format!("# {stamp}\n").into_bytes();
    CsvWriter::new(&mut bytes).finish(&mut frame).map_err(failed)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample::Sample;

    fn head(bytes: Vec<u8>, lines: usize) -> String {
        String::from_utf8(bytes).unwrap().lines().take(lines).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn tables_start_with_the_stamp_and_keep_every_digit() {
        let sample = Sample::languages(2);
        let report = sample.report();
        insta::assert_snapshot!(head(curves(&report).unwrap(), 5), @r#"
        # parallot 0.1.0 (rev 0123abc), parallot report sample --budget 200000, points sha256 5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f
        lang,pairs,effective_pairs,seed,loss_nats,fitted_loss_nats,residual_log
        ara_Arab,0,0,0,3.889028944969362,3.8127734754601588,0.01980262729617973
        ara_Arab,1000,1000,0,2.86502783448229,2.8509706317078525,0.004918556643123145
        ara_Arab,1000,1000,1,2.8766021193205535,2.8509706317078525,0.008950269104370327
        "#);
        insta::assert_snapshot!(head(laws(&report).unwrap(), 5), @r#"
        # parallot 0.1.0 (rev 0123abc), parallot report sample --budget 200000, points sha256 5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f
        lang,form,parameter,value,lo90,hi90,held_out_error_log,noise_log,starts,starts_agreed,flags
        ara_Arab,offset,irreducible,1.6,1.44,1.7600000000000002,0.008,0.01,64,60,
        ara_Arab,offset,scale,9.0,8.1,9.9,0.008,0.01,64,60,
        ara_Arab,offset,exponent,0.28,0.252,0.30800000000000005,0.008,0.01,64,60,
        "#);
        insta::assert_snapshot!(head(policies(&report, &sample.comparison).unwrap(), 4), @r#"
        # parallot 0.1.0 (rev 0123abc), parallot report sample --budget 200000, points sha256 5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f
        policy,mean_loss_nats,mean_loss_nats_lo90,mean_loss_nats_hi90,gain_nats,gain_nats_lo90,gain_nats_hi90,worst_loss_nats,worst_loss_nats_lo90,worst_loss_nats_hi90,behind_parallot_nats,behind_parallot_nats_lo90,behind_parallot_nats_hi90,draws
        parallot,1.9819958189608142,1.9669958189608143,1.9969958189608141,0.021,0.012000000000000002,0.03,2.01503545220169,1.99503545220169,2.03503545220169,,,,40
        uniform,1.9814620174797173,1.9664620174797174,1.9964620174797172,,,,2.0047779216711143,1.9847779216711143,2.0247779216711144,0.021,0.012000000000000002,0.03,40
        "#);
        insta::assert_snapshot!(head(budget(&report).unwrap(), 4), @r#"
        # parallot 0.1.0 (rev 0123abc), parallot report sample --budget 200000, points sha256 5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f
        budget_pairs,lang,pairs,share,loss_nats,marginal_gain_per_1k_nats,active
        10000,ara_Arab,5665,0.5665,2.3946366436261104,0.03825860278805493,none
        10000,ben_Beng,4335,0.4335,2.5048193711022573,0.05441690175622682,none
        "#);
    }

    #[test]
    fn a_policy_that_is_not_the_optimum_has_no_margin_and_an_unknown_corpus_no_epochs() {
        let mut sample = Sample::languages(2);
        sample.terms[1].unique = None;
        let report = sample.report();
        insta::assert_snapshot!(head(allocation(&report, &sample.comparison).unwrap(), 6), @r#"
        # parallot 0.1.0 (rev 0123abc), parallot report sample --budget 200000, points sha256 5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f5e9f
        # budget 200000 pairs, objective 1.9819958189608142 nats, lower bound 1.9819958189608142 nats, gap 0.0, shadow price 8.891117995180053e-7 nats per unit of the budget
        policy,lang,pairs,share,share_lo90,share_hi90,epochs,loss_nats,loss_nats_lo90,loss_nats_hi90,marginal_gain_per_1k_nats,active
        parallot,ara_Arab,109743,0.548715,0.46640774999999995,0.6310222499999999,1.2193666666666667,1.9489561857199384,1.9289561857199384,1.9689561857199385,0.0008891117995180053,none
        parallot,ben_Beng,90257,0.451285,0.38359224999999997,0.51897775,,2.01503545220169,1.99503545220169,2.03503545220169,0.0011253521923215715,upper
        uniform,ara_Arab,100000,0.5,,,1.1111111111111112,1.9581461132883204,1.9381461132883204,1.9781461132883205,,
        "#);
    }

    #[test]
    fn names_with_commas_and_quotes_are_quoted() {
        let mut sample = Sample::languages(1);
        sample.fits[0].curve = "a,\"b\"".to_owned();
        let text = String::from_utf8(curves(&sample.report()).unwrap()).unwrap();
        assert!(text.lines().nth(2).unwrap().starts_with("\"a,\"\"b\"\"\","), "{text}");
    }
}
