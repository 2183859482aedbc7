//! What an opening shows, and a simulator of it.
