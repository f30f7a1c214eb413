//! What is sent to a token endpoint, what is made of its answer, and which settings are refused.

mod answer;
mod builder;
mod grant;
mod refusal;
