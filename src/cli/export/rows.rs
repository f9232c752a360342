//! The rows of each language: which pairs, in which order, with which wording.

use super::super::failure::Failure;
use super::counter::Counter;
use super::fitting::Fitting;
use crate::corpus::{Bitext, Instruction, Pair, Tongue, evaluated, prompt, prompt::Choice};
use crate::export::{Portion, Row, Rows};
use crate::numeric::random::{Item, Purpose, generator};
use crate::spec::Experiment;
use crate::units::{Direction, Lang};
use rand::seq::SliceRandom;

/// What decides rows beside the pairs.
pub(super) struct Wish<'a> {
    pub experiment: &'a Experiment,
    pub seed: u64,
    /// Counts tokens, where that is asked for.
    pub counter: Option<&'a Counter>,
}

/// The rows of a language that is allocated `pairs`.
pub(super) fn of_pairs<'a>(
    wish: &Wish<'a>,
    bitext: &'a Bitext,
    pairs: u64,
) -> Result<Portion<'a>, Failure> {
    let (seed, direction) = (wish.seed, wish.experiment.tuning.direction);
    let order = bitext.order(seed, Purpose::Pairs);
    // the wording goes by the place of a pair, whether pairs before it are left out or not
    let make = move |place: usize| {
        let pair = &bitext.train.pairs()[order[place]];
        row(pair, bitext, direction, Choice::Training { seed, lang: &bitext.lang, index: place })
    };
    // those that the sweep scores, so that a trainer's losses can be held against its curves
    let dev = evaluated(bitext.dev.pairs(), wish.experiment.evaluation.pairs);
    let validate =
        move |index: usize| row(dev[index], bitext, direction, Choice::Evaluation { index });
    let validation = evaluated(bitext.dev.pairs(), wish.experiment.evaluation.pairs).len();
    portion(
        wish,
        bitext.lang.code().to_owned(),
        pairs,
        bitext.train.len(),
        make,
        Rows::new(validation, validate),
    )
}

/// The instruction data that a run on all languages reads beside its pairs, each record once.
pub(super) fn of_instructions<'a>(
    wish: &Wish<'a>,
    tongues: &'a [Tongue],
    own: &[&Lang],
) -> Result<Vec<Portion<'a>>, Failure> {
    let Some(spec) = &wish.experiment.tuning.instructions else { return Ok(Vec::new()) };
    let of = |tongue: &'a Tongue| {
        let lang = tongue.lang.code();
        let mut order: Vec<usize> = (0..tongue.records.len()).collect();
        order.shuffle(&mut generator(wish.seed, Purpose::Records, Item::Of(lang)));
        order.truncate(spec.most.unwrap_or(usize::MAX));
        let count = order.len();
        let make = move |place: usize| of_record(tongue.records[order[place]].clone(), lang);
        portion(
            wish,
            format!("instructions_{lang}"),
            count as u64,
            count,
            make,
            Rows::new(0, |_| Row::default()),
        )
    };
    tongues.iter().filter(|tongue| spec.reads(&tongue.lang, own)).map(of).collect()
}

/// A portion of rows that are made by their place; of those that are too long the next ones take
/// the place, where that is asked for.
fn portion<'a>(
    wish: &Wish,
    name: String,
    drawn: u64,
    unique: usize,
    make: impl Fn(usize) -> Row + Sync + 'a,
    validation: Rows<'a>,
) -> Result<Portion<'a>, Failure> {
    let needed = usize::try_from(drawn).unwrap_or(usize::MAX).min(unique);
    let Some(counter) = wish.counter else {
        return Ok(Portion {
            name,
            drawn,
            rows: Rows::new(needed, make),
            validation,
            lengths: None,
            replaced: 0,
        });
    };
    let Fitting { places, lengths, skipped } = counter.fitting(unique, needed, &make)?;
    if needed > 0 && places.is_empty() {
        let error = anyhow::anyhow!(
            "`{name}` has no row of at most {} tokens, expected one to put in the place of long \
            ones",
            counter.limit()
        );
        return Err(Failure::input(error).hint("a larger `--limit` keeps some"));
    }
    let rows = Rows::new(places.len(), move |index| make(places[index]));
    Ok(Portion { name, drawn, rows, validation, lengths: Some(lengths), replaced: skipped })
}

fn row(pair: &Pair, bitext: &Bitext, direction: Direction, choice: Choice<'_>) -> Row {
    let instruction = prompt::instruction(pair, direction, &bitext.name, choice);
    let is_to_english = match direction {
        Direction::FromEnglish => false,
        Direction::ToEnglish => true,
        Direction::Both => instruction.output != pair.other,
    };
    let english = Lang::english();
    of_record(instruction, if is_to_english { english.code() } else { bitext.lang.code() })
}

fn of_record(Instruction { instruction, input, output }: Instruction, to: &str) -> Row {
    Row { instruction, input, output, to: to.to_owned() }
}
