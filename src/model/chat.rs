//! Chats in tokens: the tokenizer of a model with its own chat template, as its trainers write a
//! chat.

use crate::files::{self, FileError};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, ErrorKind, context};
use serde_json::Value;
use std::path::{Path, PathBuf};
use tokenizers::Tokenizer;

/// Name of the only template of its environment.
const TEMPLATE: &str = "chat";

/// Why a chat could not be written in tokens.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// A file could not be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// The configuration of the tokenizer is not what it should be.
    #[error("`{}`: {cause}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: serde_json::Error,
    },
    /// The tokenizers library refused.
    #[error("`{}`: {cause}", folder.display())]
    Tokenizer {
        /// The folder of the tokenizer.
        folder: PathBuf,
        /// What it said.
        cause: tokenizers::Error,
    },
    /// The template is not one, or refused a chat of a question and an answer.
    #[error("the chat template of `{}`: {cause:#}", folder.display())]
    Template {
        /// The folder of the tokenizer.
        folder: PathBuf,
        /// What the renderer said.
        cause: minijinja::Error,
    },
    /// A base model has none.
    #[error("`{}` has no chat template, expected `chat_template.jinja` or `chat_template` in \
    `tokenizer_config.json`", folder.display())]
    NoTemplate {
        /// The folder of the tokenizer.
        folder: PathBuf,
    },
}

/// What a `tokenizer_config.json` says of chats.
#[derive(Debug, Default)]
struct Speaker {
    bos_token: Option<String>,
    eos_token: Option<String>,
    chat_template: Option<String>,
}

impl Speaker {
    fn of(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        let config: Value = serde_json::from_slice(bytes)?;
        // a token is a text, or an object that holds it; templates may be several, of which one is
        // for chats
        let text =
            |value: &Value| value.as_str().or_else(|| value["content"].as_str()).map(str::to_owned);
        let named = |value: &Value| {
            value.as_array()?.iter().find(|one| one["name"] == "default")?["template"]
                .as_str()
                .map(str::to_owned)
        };
        Ok(Speaker {
            bos_token: text(&config["bos_token"]),
            eos_token: text(&config["eos_token"]),
            chat_template: text(&config["chat_template"])
                .or_else(|| named(&config["chat_template"])),
        })
    }
}

/// A tokenizer with the template of its model.
#[derive(Debug)]
pub struct Chat {
    folder: PathBuf,
    tokenizer: Tokenizer,
    templates: Option<Environment<'static>>,
    speaker: Speaker,
}

impl Chat {
    /// Files of a folder that are read; only the first must be there.
    pub const FILES: [&str; 3] = ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];

    /// The tokenizer of a folder.
    pub fn read(folder: &Path) -> Result<Self, ChatError> {
        let [tokenizer, config, template] = Self::FILES.map(|name| folder.join(name));
        let wrong = |cause| ChatError::Tokenizer { folder: folder.to_owned(), cause };
        let tokenizer = Tokenizer::from_bytes(files::read(&tokenizer)?).map_err(wrong)?;
        let mut speaker = match files::exists(&config) {
            true => Speaker::of(&files::read(&config)?)
                .map_err(|cause| ChatError::Config { path: config, cause })?,
            false => Speaker::default(),
        };
        if files::exists(&template) {
            speaker.chat_template = Some(files::read_text(&template)?);
        }
        let wrong = |cause| ChatError::Template { folder: folder.to_owned(), cause };
        let templates = speaker.chat_template.take().map(environment).transpose().map_err(wrong)?;
        Ok(Chat { folder: folder.to_owned(), tokenizer, templates, speaker })
    }

    /// Whether a tokenizer is in a folder.
    pub fn is_at(folder: &Path) -> bool {
        files::exists(&folder.join(Self::FILES[0]))
    }

    /// What is wrong with one that has no template, where a chat is to be written.
    pub fn without_template(&self) -> ChatError {
        ChatError::NoTemplate { folder: self.folder.clone() }
    }

    /// Whether there is a template.
    pub fn has_template(&self) -> bool {
        self.templates.is_some()
    }

    /// Tokens of a chat of one question and its answer: those before the answer, and all.
    pub fn chat_tokens(&self, asked: &str, answer: &str) -> Result<(usize, usize), ChatError> {
        let asked = context! { role => "user", content => asked };
        let answer = context! { role => "assistant", content => answer };
        let prompt = self.render(std::slice::from_ref(&asked), true)?;
        let whole = self.render(&[asked, answer], false)?;
        Ok((self.count(&prompt, false)?, self.count(&whole, false)?))
    }

    /// Tokens of a text that is no chat, with the marks around it: those before the answer, and
    /// all.
    pub fn text_tokens(&self, prompt: &str, answer: &str) -> Result<(usize, usize), ChatError> {
        let prompt = self.count(prompt, true)?;
        Ok((
            prompt,
            prompt + self.count(answer, false)? + usize::from(self.speaker.eos_token.is_some()),
        ))
    }

    fn count(&self, text: &str, with_marks: bool) -> Result<usize, ChatError> {
        let wrong = |cause| ChatError::Tokenizer { folder: self.folder.clone(), cause };
        Ok(self.tokenizer.encode_fast(text, with_marks).map_err(wrong)?.len())
    }

    fn render(
        &self,
        messages: &[minijinja::Value],
        add_generation_prompt: bool,
    ) -> Result<String, ChatError> {
        let templates = self.templates.as_ref().ok_or_else(|| self.without_template())?;
        let (bos_token, eos_token) = (
            self.speaker.bos_token.as_deref().unwrap_or(""),
            self.speaker.eos_token.as_deref().unwrap_or(""),
        );
        let rendered = templates.get_template(TEMPLATE).and_then(|template| {
            template.render(context! { messages, add_generation_prompt, bos_token, eos_token })
        });
        rendered.map_err(|cause| ChatError::Template { folder: self.folder.clone(), cause })
    }
}

/// A template as transformers reads it: blocks leave no line, strings have the methods of Python,
/// and `generation` only marks a part.
fn environment(template: String) -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.add_function(
        "raise_exception",
        |message: String| -> Result<String, minijinja::Error> {
            Err(minijinja::Error::new(ErrorKind::InvalidOperation, message))
        },
    );
    environment.add_template_owned(TEMPLATE, without_marks(template))?;
    Ok(environment)
}

/// `{% generation %}` and its end, which say what the loss is over, as blocks that change nothing.
fn without_marks(template: String) -> String {
    let Ok(mark) = regex::Regex::new(r"(\{%[-+]?)\s*(end)?generation\s*([-+]?%\})") else {
        return template;
    };
    let block = |found: &regex::Captures| {
        let word = if found.get(2).is_some() { "endif" } else { "if true" };
        format!("{} {word} {}", &found[1], &found[3])
    };
    mark.replace_all(&template, block).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Vocabulary;

    const CHATML: &str = "{% for message in messages %}{% if message.role not in ['user', 'assistant'] %}{{ raise_exception('role') }}{% endif %}\
        {{ '<s>' + message['role'] + '\\n' }}\n    \
    {%- generation %}{{ message['content'].strip() + '</s>\\n' }}{% endgeneration %}{% endfor %}\
        {% if add_generation_prompt %}{{ '<s>assistant\\n' }}{% endif %}";

    fn folder(config: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let json =
            Vocabulary::train(["one two three"].into_iter(), 300).unwrap().to_json().unwrap();
        files::write(&folder.path().join("tokenizer.json"), json.as_bytes()).unwrap();
        files::write(&folder.path().join("tokenizer_config.json"), config.as_bytes()).unwrap();
        folder
    }

    #[test]
    fn a_chat_is_counted_as_its_template_writes_it() {
        let config =
            serde_json::json!({ "chat_template": CHATML, "eos_token": { "content": "</s>" } })
                .to_string();
        let folder = folder(&config);
        let chat = Chat::read(folder.path()).unwrap();
        let whole = chat.render(&[context! { role => "user", content => " one " }], true).unwrap();
        assert_eq!(whole, "<s>user\none</s>\n<s>assistant\n");
        let tokens = |text: &str| {
            Vocabulary::from_json(&files::read(&folder.path().join("tokenizer.json")).unwrap())
                .unwrap()
                .encode(text)
                .unwrap()
                .len()
        };
        let (prompt, total) = chat.chat_tokens("one", "two").unwrap();
        assert_eq!(
            (prompt, total),
            (tokens(&whole), tokens("<s>user\none</s>\n<s>assistant\ntwo</s>\n"))
        );
        assert_eq!(
            chat.text_tokens("one", "two").unwrap(),
            (tokens("one"), tokens("one") + tokens("two") + 1)
        );
    }

    #[test]
    fn a_template_that_is_none_or_missing_is_named() {
        let without = folder("{}");
        let chat = Chat::read(without.path()).unwrap();
        assert!(!chat.has_template());
        assert!(
            chat.chat_tokens("a", "b").unwrap_err().to_string().contains("has no chat template")
        );
        files::write(&without.path().join("chat_template.jinja"), b"{% if %}").unwrap();
        assert!(
            Chat::read(without.path()).unwrap_err().to_string().contains("the chat template of")
        );
        files::write(
            &without.path().join("chat_template.jinja"),
            b"{{ raise_exception('no user') }}",
        )
        .unwrap();
        let error = Chat::read(without.path()).unwrap().chat_tokens("a", "b").unwrap_err();
        assert!(error.to_string().contains("no user"), "{error}");
    }
}
