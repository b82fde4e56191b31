//! The programs, by kinds. Sources are their manuals; what only the value of an option reports is read by code of its own.

mod compilers;
mod files;
mod formatters;
mod outputs;
mod packages;
mod readers;

use super::spec::Spec;

/// All programs, by kinds, and whether these are formatters.
pub(super) static SPECS: [(bool, &[Spec]); 6] = [
    (false, files::FILES),
    (true, formatters::FORMATTERS),
    (false, packages::PACKAGES),
    (false, compilers::COMPILERS),
    (false, outputs::OUTPUTS),
    (false, readers::READERS),
];
