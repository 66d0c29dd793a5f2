//! A form's fields, each with its label, its help and what is wrong with it.
use super::Filled;
use crate::connect::view::Field;
use crate::connect::view::Item;
use maud::Markup;
use maud::html;

/// Credential fields whose values have several lines: PEM (RFC 7468).
const OF_LINES: [&str; 2] = ["private_key", "certificate"];

pub(super) fn fields(item: &Item, filled: &Filled<'_>) -> Markup {
    html! {
        @for (index, field) in item.fields.iter().enumerate() {
            (one(item, index, field, filled))
        }
    }
}

fn one(item: &Item, index: usize, field: &Field, filled: &Filled<'_>) -> Markup {
    let is_filled = filled.connection == item.connection;
    let id = format!("{}-{index}", item.connection);
    let (help_id, fault_id) = (format!("{id}-help"), format!("{id}-fault"));
    let fault = filled.faults.at(&field.pointer()).filter(|_| is_filled);
    let typed = filled.form.filter(|_| is_filled && !field.secret);
    let typed = typed.and_then(|it| it.field(&field.input()));
    let value = typed.or(field.value.as_deref().filter(|_| !field.secret));
    let described: Vec<&str> =
        [field.help.as_ref().map(|_| help_id.as_str()), fault.map(|_| fault_id.as_str())]
            .into_iter()
            .flatten()
            .collect();
    let described = Some(described.join(" ")).filter(|it| !it.is_empty());
    let kind = if field.secret { "password" } else { "text" };
    html! {
        div.field {
            label for=(id) {
                (field.label)
                @if !field.required { span.soft { " (optional)" } }
            }
            @if let Some(help) = &field.help { p.help id=(help_id) { (help) } }
            @if let Some(fault) = fault { p.fault id=(fault_id) { (fault) } }
            @if field.secret && OF_LINES.contains(&field.name.as_str()) {
                textarea id=(id) name=(field.input()) required[field.required] autocomplete="off"
                    spellcheck="false" aria-invalid=[fault.map(|_| "true")] aria-describedby=[&described] {}
            } @else {
                input id=(id) type=(kind) name=(field.input()) value=[value] required[field.required]
                    placeholder=[&field.example] autocomplete="off" autocapitalize="none"
                    spellcheck="false" aria-invalid=[fault.map(|_| "true")] aria-describedby=[&described];
            }
        }
    }
}
