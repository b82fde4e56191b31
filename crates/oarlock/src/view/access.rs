//! Access keys as text.

use oarlock_client::gateway::{Access, AccessReply, CreatedKey, GoneKeys, ListedKeys};

use super::{Cell, Page, View, joined, safe, shown, texts};
use crate::replies::KeptKey;

fn key_table(page: &mut Page, head: &str, keys: &[Access]) {
    if keys.is_empty() {
        page.line("no keys");
        return;
    }
    let row = |key: &Access| {
        let ends = if key.ends_at_ms.is_some() { "ends" } else { "" };
        vec![
            Cell::new(safe(&key.id)),
            Cell::new(shown(&key.name)),
            Cell::new(key.role.as_str()),
            Cell::new(safe(&key.created_at)),
            Cell::new(ends),
            Cell::new(joined(&key.verbs)),
        ]
    };
    page.table(&[head, "NAME", "ROLE", "MADE", "", "ONLY"], keys.iter().map(row));
}

impl View for AccessReply {
    fn show(&self, _verb: &str, page: &mut Page) {
        match self {
            Self::Created(CreatedKey { access, key }) => {
                page.line(safe(key));
                page.line(format_args!(
                    "  it speaks for {} as {}, and is not shown again: put it into a file that only its bearer may read",
                    shown(&access.name),
                    access.role.as_str()
                ));
            }
            Self::Listed(ListedKeys { access }) => key_table(page, "ID", access),
            Self::Revoked(GoneKeys { revoked }) => key_table(page, "REVOKED", revoked),
        }
    }

    fn ids(&self) -> Vec<String> {
        match self {
            // It is not shown again, so it is the one thing to print.
            Self::Created(made) => vec![safe(&made.key)],
            Self::Listed(ListedKeys { access: keys }) | Self::Revoked(GoneKeys { revoked: keys }) => texts(keys.iter().map(|key| &key.id)),
        }
    }
}

impl View for KeptKey {
    fn show(&self, _verb: &str, page: &mut Page) {
        page.line(format_args!("{} speaks for {} as {}", safe(&self.key_file), shown(&self.access.name), self.access.role.as_str()));
    }

    fn ids(&self) -> Vec<String> {
        texts([&self.access.id])
    }
}
