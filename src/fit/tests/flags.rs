//! What is to beware of in curves that are short, flat or noisy.

use super::*;

#[test]
fn short_flat_and_noisy_curves_say_so() {
    let settings = Settings { draws: 40, ..Settings::default() };
    let flags = |curve: &Curve| fit(curve, &settings).unwrap().flags;
    let flat = Law::new(Form::PowerFloor, &[2.0, 1e-9, 1.0]).unwrap();
    assert!(
        flags(&planted("flat", &flat, &SIZES, 2, 0.01, 1)).contains(&Flag::NoiseLargerThanSignal)
    );
    assert!(fit(&planted("constant", &flat, &SIZES, 1, 0.0, 1), &settings).is_ok());
    let narrow = flags(&planted("narrow", &laws()[1], &[1e3, 2e3, 3e3, 4e3], 2, 0.001, 1));
    assert!(narrow.iter().any(|flag| matches!(flag, Flag::LessThanADecade { .. })), "{narrow:?}");
    let rising = SIZES.iter().enumerate().map(|(i, &pairs)| Point {
        pairs,
        loss_nats: [4.0, 3.6, 3.3, 3.0, 3.4, 2.6, 2.4, 2.2][i],
        seed: 0,
    });
    let rising = Curve::new("rising", rising.collect()).unwrap();
    assert!(flags(&rising).contains(&Flag::NonMonotone { pairs: 16e3 }));
    let lone = rising.points().iter().map(|point| Point {
        loss_nats: if point.pairs == 8e3 { 4.0 } else { 5.0 - point.pairs.ln() / 4.0 },
        ..*point
    });
    let outlier = flags(&Curve::new("outlier", lone.collect()).unwrap());
    assert!(outlier.contains(&Flag::Outlier { pairs: 8e3, loss_nats: 4.0 }), "{outlier:?}");
    let short = planted("short", &laws()[1], &[1e3, 2e3, 4e3], 1, 0.0, 0);
    assert!(
        fit(&short, &settings)
            .unwrap()
            .flags
            .contains(&Flag::LessThanADecade { decades: 4f64.log10() })
    );
    assert!(fit(&short, &Settings { starts: 0, ..Settings::default() }).is_err());
    assert!(fit(&short, &Settings { forms: vec![], ..Settings::default() }).is_err());
}
