//! Stories told over HTTP: what a customer and an agent do, and what the other one sees. Each runs on both databases.

mod basics;
