//! The tokenizer: byte-level BPE, trained deterministically on given text or read from a
//! `tokenizer.json`.

use tokenizers::decoders::byte_level::ByteLevel as ByteLevelDecoder;
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::normalizers::unicode::NFC;
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{AddedToken, SplitDelimiterBehavior, Tokenizer};

/// Starts every sequence.
const BOS: &str = "<s>";
/// Ends every response.
const EOS: &str = "</s>";

/// Words with the space before them. Unlike GPT-2's pattern, marks belong to their letters
/// (`\p{M}`), so that Devanagari and Arabic words stay whole, and digits stand alone.
const WORDS: &str = r" ?[\p{L}\p{M}]+| ?\p{N}| ?[^\s\p{L}\p{M}\p{N}]+|\s+";

/// Why there is no tokenizer.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of a variant says what its fields are")]
pub enum TokenizerError {
    /// The tokenizers library refused.
    #[error("tokenizer: {0}")]
    Library(#[from] tokenizers::Error),
    /// The sequence marks are missing.
    #[error("tokenizer has no token `{token}`, expected one for the {role} of a sequence")]
    NoMark { token: String, role: &'static str },
    /// Nothing says what ends a sequence.
    #[error(
        "neither `tokenizer_config.json` nor `config.json` has an end of sequence, expected \
        `eos_token` or `eos_token_id`"
    )]
    NoEnd,
    /// More tokens than the network embeds.
    #[error(
        "tokenizer has a token with id {found}, expected ids below the `vocab_size` of {vocab_size}"
    )]
    TooLarge { found: u32, vocab_size: usize },
    /// A text holds a token that was added to the tokenizer and not to the network.
    #[error(
        "`{text}` has the token with id {found}, which was added beyond the `vocab_size` of \
        {vocab_size} and is none of the network"
    )]
    NotEmbedded { text: String, found: u32, vocab_size: usize },
    /// Too small for the bytes.
    #[error("vocabulary of {found} tokens, expected at least {needed}: 256 bytes and 2 marks")]
    TooSmall { found: usize, needed: usize },
}

/// A token by its text, or by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mark {
    /// Text, as in a `tokenizer_config.json`.
    Token(String),
    /// Id, as in a `config.json`.
    Id(u32),
}

/// The tokens around a sequence.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Marks {
    /// Starts every sequence; some tokenizers have none.
    pub bos: Option<Mark>,
    /// Ends every response.
    pub eos: Option<Mark>,
}

impl Marks {
    /// Those of the tokenizers that are trained here.
    fn own() -> Self {
        let mark = |token: &str| Some(Mark::Token(token.to_owned()));
        Marks { bos: mark(BOS), eos: mark(EOS) }
    }
}

/// Text to tokens and back.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    tokenizer: Tokenizer,
    bos: Option<u32>,
    eos: u32,
    /// Tokens that the network embeds, where one is named.
    embedded: Option<usize>,
}

impl Vocabulary {
    /// Trains byte-level BPE with `size` tokens on some texts. The same texts in the same order
    /// give the same bytes.
    pub fn train<'a>(
        texts: impl Iterator<Item = &'a str> + Send,
        size: usize,
    ) -> Result<Self, TokenizerError> {
        if size < 258 {
            return Err(TokenizerError::TooSmall { found: size, needed: 258 });
        }
        let mut tokenizer = Tokenizer::new(BPE::default());
        let words = Split::new(
            SplitPattern::Regex(WORDS.to_owned()),
            SplitDelimiterBehavior::Isolated,
            false,
        )?;
        let bytes = ByteLevel::default().add_prefix_space(false).use_regex(false);
        tokenizer.with_normalizer(Some(NFC))?;
        tokenizer.with_pre_tokenizer(Some(Sequence::new(vec![
            PreTokenizerWrapper::Split(words),
            PreTokenizerWrapper::ByteLevel(bytes),
        ])));
        tokenizer.with_decoder(Some(ByteLevelDecoder::default()));
        let mut trainer: TrainerWrapper = BpeTrainer::builder()
            .vocab_size(size)
            .show_progress(false)
            .special_tokens([BOS, EOS].map(|mark| AddedToken::from(mark, true)).to_vec())
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .build()
            .into();
        tokenizer.train(&mut trainer, texts)?;
        Vocabulary::new(tokenizer, &Marks::own())
    }

    /// The tokenizer of a `tokenizer.json` with the marks `<s>` and `</s>`.
    pub fn from_json(json: &[u8]) -> Result<Self, TokenizerError> {
        Vocabulary::with_marks(json, &Marks::own())
    }

    /// The tokenizer of a `tokenizer.json` with other marks.
    pub fn with_marks(json: &[u8], marks: &Marks) -> Result<Self, TokenizerError> {
        Vocabulary::new(Tokenizer::from_bytes(json)?, marks)
    }

    fn new(tokenizer: Tokenizer, marks: &Marks) -> Result<Self, TokenizerError> {
        let id = |mark: &Mark, role| match mark {
            Mark::Token(token) => tokenizer
                .token_to_id(token)
                .ok_or_else(|| TokenizerError::NoMark { token: token.clone(), role }),
            Mark::Id(id) => match tokenizer.id_to_token(*id) {
                Some(_) => Ok(*id),
                None => Err(TokenizerError::NoMark { token: id.to_string(), role }),
            },
        };
        let bos = marks.bos.as_ref().map(|mark| id(mark, "start")).transpose()?;
        let eos = id(marks.eos.as_ref().ok_or(TokenizerError::NoEnd)?, "end")?;
        Ok(Vocabulary { tokenizer, bos, eos, embedded: None })
    }

    /// The same for a network of `vocab_size` tokens, which must embed every token but those that
    /// were added without being trained, as `[PAD]` often is. A text that holds one of these is
    /// refused when it is encoded.
    pub fn fitted(self, vocab_size: usize) -> Result<Self, TokenizerError> {
        let added = self.tokenizer.get_added_tokens_decoder();
        let needs = |id: u32| !added.contains_key(&id) || id == self.eos || self.bos == Some(id);
        let largest = self.tokenizer.get_vocab(true).into_values().filter(|&id| needs(id)).max();
        match largest.filter(|&id| id as usize >= vocab_size) {
            Some(found) => Err(TokenizerError::TooLarge { found, vocab_size }),
            None => Ok(Vocabulary { embedded: Some(vocab_size), ..self }),
        }
    }

    /// Ids of the tokens that start and end a sequence.
    pub fn mark_ids(&self) -> (Option<u32>, u32) {
        (self.bos, self.eos)
    }

    /// These tokens as text.
    pub fn marks(&self) -> (Option<String>, Option<String>) {
        (
            self.bos.and_then(|id| self.tokenizer.id_to_token(id)),
            self.tokenizer.id_to_token(self.eos),
        )
    }

    /// As a `tokenizer.json`.
    pub fn to_json(&self) -> Result<String, TokenizerError> {
        Ok(self.tokenizer.to_string(false)?)
    }

    /// Number of tokens.
    pub fn size(&self) -> usize {
        self.tokenizer.get_vocab_size(true)
    }

    /// Tokens of a text, without marks.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TokenizerError> {
        let tokens = self.tokenizer.encode_fast(text, false)?.get_ids().to_vec();
        let Some(vocab_size) = self.embedded else { return Ok(tokens) };
        match tokens.iter().find(|&&id| id as usize >= vocab_size) {
            Some(&found) => Err(TokenizerError::NotEmbedded {
                text: text.chars().take(60).collect(),
                found,
                vocab_size,
            }),
            None => Ok(tokens),
        }
    }

    /// Text of some tokens, marks left out.
    pub fn decode(&self, tokens: &[u32]) -> Result<String, TokenizerError> {
        Ok(self.tokenizer.decode(tokens, true)?)
    }

    /// `<s> text`, the beginning of which is left out where it is longer than `room`, at least 1,
    /// and how many tokens that took.
    pub fn prompt(&self, text: &str, room: usize) -> Result<(Vec<u32>, usize), TokenizerError> {
        let mut tokens = Vec::from_iter(self.bos);
        let marks = tokens.len();
        let text = self.encode(text)?;
        let cut = (marks + text.len()).saturating_sub(room);
        tokens.extend(&text[cut.min(text.len())..]);
        Ok((tokens, cut))
    }

    /// `<s> text </s>`, at most `context` tokens to read and one more to predict.
    pub fn sequence(&self, text: &str, context: usize) -> Result<Vec<u32>, TokenizerError> {
        let mut tokens = Vec::from_iter(self.bos);
        tokens.extend(self.encode(text)?);
        tokens.push(self.eos);
        tokens.truncate(context + 1);
        Ok(tokens)
    }

    /// `<s> prompt response </s>` and the index of the first token of the response, the first to be
    /// predicted. Prompt and response are encoded apart, so that no token spans the border. A
    /// sequence longer than `context` loses its end.
    pub fn instruction(
        &self,
        prompt: &str,
        response: &str,
        context: usize,
    ) -> Result<(Vec<u32>, usize), TokenizerError> {
        let mut tokens = Vec::from_iter(self.bos);
        tokens.extend(self.encode(prompt)?);
        let first_target = tokens.len();
        tokens.extend(self.encode(response)?);
        tokens.push(self.eos);
        tokens.truncate(context + 1);
        Ok((tokens, first_target))
    }
}

/// A tokenizer of which only its pieces are wanted, as the words of a metric.
#[derive(Debug, Clone)]
pub struct Pieces(Tokenizer);

impl Pieces {
    /// That of a `tokenizer.json`.
    pub fn from_json(json: &[u8]) -> Result<Self, TokenizerError> {
        Ok(Pieces(Tokenizer::from_bytes(json)?))
    }

    /// The pieces of a text.
    pub fn cut(&self, text: &str) -> Result<Vec<String>, TokenizerError> {
        Ok(self.0.encode_fast(text, false)?.get_tokens().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXTS: [&str; 4] = [
        "In the beginning was the word.",
        "в начале было слово",
        "आदि में वचन था",
        "太初有道，道与神同在",
    ];

    fn trained() -> Vocabulary {
        Vocabulary::train((0..50).flat_map(|_| TEXTS), 400).unwrap()
    }

    #[test]
    fn any_text_survives_the_round_trip() {
        let vocabulary = trained();
        for text in TEXTS.into_iter().chain(["", "  two  spaces", "emoji 🦀 and ελληνικά", "12345"])
        {
            assert_eq!(vocabulary.decode(&vocabulary.encode(text).unwrap()).unwrap(), text);
        }
        assert!(
            vocabulary.encode(TEXTS[2]).unwrap().len() < TEXTS[2].len() / 4,
            "merges were learnt"
        );
    }

    #[test]
    fn tokens_added_beyond_the_network_are_refused_in_texts_alone() {
        let mut json: serde_json::Value =
            serde_json::from_str(&trained().to_json().unwrap()).unwrap();
        let mut pad = json["added_tokens"][0].clone();
        let size = trained().size();
        (pad["id"], pad["content"]) = (size.into(), "[PAD]".into());
        json["added_tokens"].as_array_mut().unwrap().push(pad);
        let vocabulary = || Vocabulary::from_json(json.to_string().as_bytes()).unwrap();
        let fitted = vocabulary().fitted(size).unwrap();
        assert_eq!(fitted.encode(TEXTS[0]).unwrap(), trained().encode(TEXTS[0]).unwrap());
        assert!(
            fitted
                .encode("a [PAD]")
                .unwrap_err()
                .to_string()
                .contains(&format!("the token with id {size}"))
        );
        assert!(matches!(vocabulary().fitted(size - 1), Err(TokenizerError::TooLarge { .. })));
    }

    #[test]
    fn training_twice_gives_the_same_bytes() {
        assert_eq!(trained().to_json().unwrap(), trained().to_json().unwrap());
        let read = Vocabulary::from_json(trained().to_json().unwrap().as_bytes()).unwrap();
        assert_eq!(read.encode(TEXTS[0]).unwrap(), trained().encode(TEXTS[0]).unwrap());
    }

    #[test]
    fn the_response_starts_at_its_own_token() {
        let vocabulary = trained();
        let (tokens, first) = vocabulary.instruction("the word", " слово", 64).unwrap();
        assert_eq!(vocabulary.decode(&tokens[first..]).unwrap(), " слово");
        assert_eq!(vocabulary.decode(&tokens[..first]).unwrap(), "the word");
        let (cut, _) = vocabulary.instruction("the word", " слово", 3).unwrap();
        assert_eq!(cut.len(), 4);
    }

    #[test]
    fn a_tokenizer_without_marks_is_refused() {
        let json = trained().to_json().unwrap().replace("</s>", "<end>");
        assert_eq!(
            Vocabulary::from_json(json.as_bytes()).unwrap_err().to_string(),
            "tokenizer has no token `</s>`, expected one for the end of a sequence"
        );
        assert!(Vocabulary::train(TEXTS.into_iter(), 100).is_err());
    }
}
