//! A form's fields, each with its label, its help and what is wrong with it.
use super::Filled;
use crate::connect::view::Field;
use crate::connect::view::Item;
use maud::Markup;
use maud::html;

/// Credential fields whose values have several lines: PEM (RFC 7468).
const OF_LINES: [&str; 2] = ["private_key", "certificate"];

/// `is_framed`: browsers let no page take the focus in a frame by itself, and complain.
pub(super) fn fields(item: &Item, filled: &Filled<'_>, is_framed: bool) -> Markup {
    let first_fault = faulty(item, filled).next().map(|it| it.0).filter(|_| !is_framed);
    html! {
        @for (index, field) in item.fields.iter().enumerate() {
            (one(item, index, field, filled, first_fault == Some(index)))
        }
    }
}

/// The item's fields that something is wrong with, by their places, and what it is.
pub(super) fn faulty<'f>(
    item: &'f Item,
    filled: &'f Filled<'_>,
) -> impl Iterator<Item = (usize, &'f Field, &'f str)> {
    let is_filled = filled.connection == item.connection;
    let fields = item.fields.iter().enumerate().filter(move |_| is_filled);
    fields.filter_map(|(index, field)| {
        filled.faults.at(&field.pointer()).map(|fault| (index, field, fault))
    })
}

/// What the page knows a field by.
pub(super) fn id(item: &Item, index: usize) -> String {
    format!("{}-{index}", item.connection)
}

fn one(item: &Item, index: usize, field: &Field, filled: &Filled<'_>, has_focus: bool) -> Markup {
    let is_filled = filled.connection == item.connection;
    let id = id(item, index);
    let (help_id, fault_id, example_id) =
        (format!("{id}-help"), format!("{id}-fault"), format!("{id}-example"));
    let fault = filled.faults.at(&field.pointer()).filter(|_| is_filled);
    let typed = filled.form.filter(|_| is_filled && !field.secret);
    let typed = typed.and_then(|it| it.field(&field.input()));
    let value = typed.or(field.value.as_deref().filter(|_| !field.secret));
    let described: Vec<&str> = [
        field.help.as_ref().map(|_| help_id.as_str()),
        field.example.as_ref().map(|_| example_id.as_str()),
        fault.map(|_| fault_id.as_str()),
    ]
    .into_iter()
    .flatten()
    .collect();
    let described = Some(described.join(" ")).filter(|it| !it.is_empty());
    let is_faulty = fault.map(|_| "true");
    html! {
        div.field {
            label for=(id) {
                (field.label)
                @if !field.required { span.soft { " (optional)" } }
            }
            @if let Some(help) = &field.help { p.help id=(help_id) { (help) } }
            @if let Some(example) = &field.example {
                p.help id=(example_id) { "For example: " code { (example) } }
            }
            @if let Some(fault) = fault { p.fault id=(fault_id) { (fault) } }
            @if field.secret && OF_LINES.contains(&field.name.as_str()) {
                textarea id=(id) name=(field.input()) required[field.required] autocomplete="off" autofocus[has_focus]
                    spellcheck="false" aria-invalid=[is_faulty] aria-describedby=[&described] {}
            } @else if field.secret {
                div.secret {
                    input id=(id) type="password" name=(field.input()) required[field.required] autocomplete="off"
                        autocapitalize="none" spellcheck="false" autofocus[has_focus]
                        aria-invalid=[is_faulty] aria-describedby=[&described];
                    // The script that it takes shows it.
                    button.reveal type="button" aria-controls=(id) hidden {
                        span { "Show" } span.unseen { " " (field.label) }
                    }
                }
            } @else {
                input id=(id) type="text" name=(field.input()) value=[value] required[field.required] autocomplete="off"
                    autocapitalize="none" spellcheck="false" autofocus[has_focus]
                    aria-invalid=[is_faulty] aria-describedby=[&described];
            }
        }
    }
}
