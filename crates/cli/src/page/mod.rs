//! Reports as HTML pages that stand alone: no scripts, nothing fetched, plots as SVG in the text.

use maud::{DOCTYPE, Markup, PreEscaped, html};

pub mod plot;

const STYLE: &str = include_str!("style.css");

/// A page with a title, which is its heading too.
pub fn render(title: &str, content: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                (content)
            }
        }
    };
    page.into_string()
}

/// A plot as [`plot::svg`] draws it, with what it shows in words.
pub fn figure(svg: String, caption: &str) -> Markup {
    html! { figure { (PreEscaped(svg)) figcaption { (caption) } } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_escaped_and_nothing_is_fetched() {
        let page = render("a < b", &html! { p { "text" } });
        assert!(page.contains("<title>a &lt; b</title>") && page.contains("<h1>a &lt; b</h1><p>text</p>"), "{page}");
        for fetching in ["src=", "href=", "url(", "@import", "<script"] {
            assert!(!page.contains(fetching), "{fetching} in {page}");
        }
    }
}
