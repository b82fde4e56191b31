//! The formats of plans that have rules of their own, one file for each. A format says by its markers what is a step, and often in which
//! order steps run; its reader yields the same [`Draft`]s as prose does, and says how the format binds steps that nothing else orders.
//!
//! A new format is a new file here, a line in [`read`], and its examples in `tests/formats.rs`.

mod agentos;
mod backlog;
mod bmad;
mod changes;
mod cursor;
mod fields;
mod gsd;
mod issues;
mod kiro;
mod openspec;
mod other;
mod outline;
mod phased;
mod prp;
mod roadmap;
mod rows;
mod signs;
mod speckit;
mod superpowers;
mod task_file;
mod taskmaster;
mod todo;

pub(crate) use outline::{Format, Manner, Outline};

use crate::read::document::Document;

/// The format of `document`, and its steps where the format says what they are. Without them the document is read as prose.
pub(crate) fn read(document: &Document<'_>) -> (Format, Option<Outline>) {
    // The most peculiar marks come first, so that a general one never takes a document from them.
    type Reader = fn(&Document<'_>) -> Option<Outline>;
    let readers: [(Format, Reader); 13] = [
        (Format::TaskMaster, taskmaster::read),
        (Format::Gsd, gsd::read),
        (Format::Backlog, backlog::read),
        (Format::Cursor, cursor::read),
        (Format::SpecKit, speckit::read),
        (Format::Superpowers, superpowers::read),
        (Format::AgentOs, agentos::read),
        (Format::Prp, prp::read),
        (Format::Bmad, bmad::read),
        (Format::Issues, task_file::read),
        (Format::Issues, issues::read),
        (Format::OpenSpec, openspec::read),
        (Format::Kiro, kiro::read),
    ];
    for (format, reader) in readers {
        if let Some(outline) = reader(document) {
            return (format, Some(outline));
        }
    }
    other::read(document)
}
