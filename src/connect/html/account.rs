//! Another account came back than was connected before: which one is meant?
use super::Page;
use super::signs::mark;
use crate::connect::route;
use crate::connect::view::Account;
use crate::connect::view::Item;
use crate::connect::view::Session;
use maud::html;

pub(in crate::connect) fn another_account(token: &str, session: &Session, item: &Item) -> Page {
    let title = format!("This is another {} account", item.name);
    let known = item.account.as_ref().map_or("another account", Account::text);
    let given = item.given_account.as_ref().map_or("a different account", Account::text);
    let main = html! {
        div.top { (mark(&item.name)) h1 { (title) } }
        p { (item.name) " has been connected as " strong { (known) } " so far. You have just signed in as " strong { (given) } "." }
        p { "Nothing was changed yet. Which one should be used from now on?" }
        form method="post" action=(route::account(token, &item.connection)) {
            div.acts {
                button name="take" value="no" { "Keep " (known) }
                button.second name="take" value="yes" { "Use " (given) " instead" }
            }
        }
    };
    Page::ok(title, main).of(session)
}
