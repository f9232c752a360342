//! The model: the LLaMA network with differentiable ops, and its tokenizer.
