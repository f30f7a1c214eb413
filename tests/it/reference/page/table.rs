//! The tables of a document.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// A row, with what stands above it.
pub(super) struct Row {
    /// The heading above its table.
    pub(super) section: String,
    header: Vec<String>,
    pub(super) cells: Vec<Cell>,
}

#[derive(Default)]
pub(super) struct Cell {
    /// All of it, code too.
    pub(super) text: String,
    pub(super) code: Vec<String>,
}

impl Row {
    /// Whether it is about a name of the Python module.
    pub(super) fn is_of_python(&self) -> bool {
        self.header.first().is_some_and(|name| name == "Python")
    }

    /// What is ours in it, where its table has such a column.
    pub(super) fn here(&self) -> Option<&Cell> {
        self.cells.get(self.header.iter().position(|name| name == "here")?)
    }
}

/// All rows of all tables.
pub(super) fn rows(document: &str) -> Vec<Row> {
    let (mut rows, mut header, mut cells) = (Vec::new(), Vec::new(), Vec::<Cell>::new());
    let (mut section, mut is_heading) = (String::new(), false);
    for event in Parser::new_ext(document, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                section.clear();
                is_heading = true;
            }
            Event::End(TagEnd::Heading(_)) => is_heading = false,
            Event::Start(Tag::TableCell) => cells.push(Cell::default()),
            Event::End(TagEnd::TableHead) => {
                header = cells.drain(..).map(|cell| cell.text).collect();
            }
            Event::End(TagEnd::TableRow) => {
                let (section, header) = (section.clone(), header.clone());
                rows.push(Row { section, header, cells: std::mem::take(&mut cells) });
            }
            Event::Text(text) | Event::Code(text) if is_heading => section.push_str(&text),
            Event::Text(text) => {
                if let Some(cell) = cells.last_mut() {
                    cell.text.push_str(&text);
                }
            }
            Event::Code(code) => {
                if let Some(cell) = cells.last_mut() {
                    cell.text.push_str(&code);
                    cell.code.push(code.into_string());
                }
            }
            _ => {}
        }
    }
    assert!(!rows.is_empty(), "the document has no table");
    rows
}
