//! Generation: what is kept of the past gives what the whole text gives, and adapters read back are
//! those that were saved.

use super::checkpoints::{fitted, folder, logits, read};
use parallot::model::{
    Choices, Choosing, Decoding, Llama, Ops, Past, Request, checkpoint, generate,
};
use parallot::spec::{LoraSpec, Module};

const TEXTS: [&[u32]; 3] = [&[3, 9, 27, 11, 60, 2, 5, 5, 31, 40, 41, 3], &[7], &[1, 2, 3, 4, 5, 6]];

fn lora() -> LoraSpec {
    LoraSpec {
        rank: 2,
        alpha: 6.0,
        dropout: 0.1,
        target_modules: vec![Module::KProj, Module::VProj, Module::OProj, Module::UpProj],
    }
}

/// Largest distance between two rows of logits.
fn distance(ours: &[f32], theirs: &[f32]) -> f32 {
    assert_eq!(ours.len(), theirs.len());
    ours.iter().zip(theirs).map(|(ours, theirs)| (ours - theirs).abs()).fold(0.0, f32::max)
}

#[test]
fn a_kept_past_gives_the_logits_of_the_whole_text() {
    for family in ["llama", "mistral", "qwen2", "qwen3"] {
        for model in [
            fitted(family, None),
            fitted(family, Some(&lora())),
            read(&folder(family)).0.with_ops(Ops::Composed),
        ] {
            let whole: Vec<Vec<Vec<f32>>> =
                TEXTS.iter().map(|tokens| logits(&model, tokens)).collect();
            let mut pasts = [Past::default(), Past::default(), Past::default()];
            // the sequences go on by chunks of different lengths, some together
            for cuts in [[0..5, 0..1, 0..2], [5..6, 1..1, 2..3], [6..12, 1..1, 3..6]] {
                let open: Vec<usize> = (0..3).filter(|&at| !cuts[at].is_empty()).collect();
                let mut sequences: Vec<_> = pasts
                    .iter_mut()
                    .zip(TEXTS)
                    .zip(cuts.clone())
                    .filter(|(_, cut)| !cut.is_empty())
                    .collect();
                let mut sequences: Vec<_> = sequences
                    .iter_mut()
                    .map(|((past, tokens), cut)| (&mut **past, &tokens[cut.clone()]))
                    .collect();
                let found = model.read_on(&mut sequences).unwrap().to_vec2::<f32>().unwrap();
                for (found, at) in found.iter().zip(open) {
                    let far = distance(found, &whole[at][cuts[at].end - 1]);
                    assert!(far < 2e-5, "{family}, text {at} up to {}: {far}", cuts[at].end);
                }
            }
        }
    }
}

fn responses(model: &Llama, choosing: Choosing, choices: Option<&Choices>) -> Vec<Vec<u32>> {
    let requests: Vec<Request<'_>> = TEXTS
        .iter()
        .enumerate()
        .map(|(at, prompt)| Request { prompt, choices, stream: at as u64 })
        .collect();
    generate(model, 1, &requests, &Decoding { choosing, max_tokens: 9 }).unwrap()
}

#[test]
fn greedy_tokens_are_those_of_the_uncached_network() {
    for family in ["llama", "qwen3"] {
        let model = fitted(family, None);
        for (prompt, response) in TEXTS.iter().zip(responses(&model, Choosing::Greedy, None)) {
            let mut text = prompt.to_vec();
            for step in 0..9 {
                let last = logits(&model, &text).pop().unwrap();
                let next = (0..last.len())
                    .reduce(|best, next| if last[next] > last[best] { next } else { best })
                    .unwrap() as u32;
                match response.get(step) {
                    Some(&token) => assert_eq!(token, next, "{family}, step {step}"),
                    None => {
                        assert_eq!(next, 1, "{family}: a response ends where the end is likeliest");
                        break;
                    }
                }
                text.push(next);
            }
        }
    }
}

#[test]
fn draws_repeat_and_do_not_hang_on_their_neighbours() {
    let model = fitted("llama", None);
    let sampled = |seed| Choosing::Sampled { temperature: 1.5, top_p: 0.95, seed };
    let all = responses(&model, sampled(1), None);
    assert_eq!(all, responses(&model, sampled(1), None));
    assert_ne!(all, responses(&model, sampled(2), None));
    let alone = Request { prompt: TEXTS[2], choices: None, stream: 2 };
    assert_eq!(
        generate(&model, 1, &[alone], &Decoding { choosing: sampled(1), max_tokens: 9 }).unwrap()
            [0],
        all[2]
    );
}

#[test]
fn constrained_responses_are_choices() {
    let model = fitted("mistral", None);
    let allowed = [vec![9, 9], vec![9, 4, 33], vec![50]];
    let choices = Choices::new(allowed.clone(), 1).unwrap();
    for choosing in [Choosing::Greedy, Choosing::Sampled { temperature: 3.0, top_p: 1.0, seed: 5 }]
    {
        assert!(
            responses(&model, choosing, Some(&choices))
                .iter()
                .all(|response| allowed.contains(response))
        );
    }
}

#[test]
fn adapters_read_back_give_the_logits_that_were_saved() {
    for family in ["llama", "qwen2"] {
        let (model, place) = (fitted(family, Some(&lora())), tempfile::tempdir().unwrap());
        checkpoint::write_trained(place.path(), &model, &folder(family)).unwrap();
        assert_eq!(checkpoint::origin(place.path()).unwrap(), Some(folder(family)));
        let again = checkpoint::read_adapters(place.path(), &read(&folder(family)).0).unwrap();
        assert_eq!(logits(&again, TEXTS[0]), logits(&model, TEXTS[0]));
        assert_ne!(logits(&again, TEXTS[0]), logits(&read(&folder(family)).0, TEXTS[0]));
    }
    assert_eq!(checkpoint::origin(&folder("llama")).unwrap(), None);
}
