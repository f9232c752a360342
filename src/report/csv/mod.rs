//! Tables: curves, laws, allocation, policies and budget path as CSV. Every digit is kept, what is
//! absent is empty.

mod allocation;
mod columns;
mod laws;
mod similarity;
mod validation;

use super::{Report, ReportError};
pub use allocation::{allocation, budget, pareto, policies};
pub use laws::{curves, laws, residual_log, transfer, untuned};
pub use similarity::similarity;
pub use validation::validation;

/// Every table the report has the numbers for, with its file name.
pub fn tables(report: &Report) -> Result<Vec<(String, Vec<u8>)>, ReportError> {
    let mut tables = Vec::new();
    if !report.fits.is_empty() {
        tables.push(("curves.csv".to_owned(), curves(report)?));
        tables.push(("laws.csv".to_owned(), laws(report)?));
    }
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
