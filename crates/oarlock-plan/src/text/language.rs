//! Whether a text is English. Only English is known here; of a text in another language neither verbs nor roles nor names of things can be told.

use crate::text::List;
use crate::text::words::each_word;

/// Words that nearly every English sentence has some of.
static ENGLISH: List = List::new(
    "the, and, of, for, with, is, are, be, in, on, that, this, when, from, as, by, not, it, an, or, if, all, into, add, use, update, create, test",
);
/// Words of the same kind in other languages, but for those that English has, too.
static OTHERS: List = List::new(
    "der, die, das, und, nicht, mit, auf, ist, den, dem, ein, eine, wird, bei, nach, le, la, les, des, du, et, est, une, dans, pour, sur, avec, par, aux, el, los, \
     las, y, del, que, con, una, para, por, il, di, che, della, nel, gli, lo, alla, dei, da, em, os, um, uma, na, ao, dos, het, een, van, voor, op, og, med, till",
);
/// Words that are looked at.
const WORDS_MAX: usize = 4_000;
/// Fewer words tell nothing.
const WORDS_MIN: usize = 20;

/// Whether a text is written in another language.
pub(crate) fn is_foreign<'t>(lines: impl Iterator<Item = &'t str>) -> bool {
    let (mut english, mut others, mut words, mut letters, mut foreign_letters) = (0, 0, 0, 0, 0);
    for line in lines {
        if words > WORDS_MAX {
            break;
        }
        each_word(line, |word| {
            words += 1;
            english += usize::from(ENGLISH.has(word));
            others += usize::from(OTHERS.has(word));
        });
        let of_line = line.chars().filter(|c| c.is_alphabetic());
        of_line.for_each(|c| {
            letters += 1;
            foreign_letters += usize::from(c > '\u{24f}');
        });
    }
    foreign_letters * 5 > letters || words >= WORDS_MIN && others > english
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_is_told_from_other_languages() {
        let is = |text: &str| is_foreign(text.lines());
        assert!(!is(
            "Add the parser to the program and test it with a table of words that are not in the list of names for this and that."
        ));
        assert!(is(
            "Den Parser hinzufügen und mit der Tabelle prüfen, die nicht in der Liste ist, und das auf der Seite für die Namen zeigen."
        ));
        assert!(is(
            "Ajouter le composant dans la page et vérifier les données avec le service, puis afficher une liste sur la page pour les noms."
        ));
        assert!(is("解析器を追加する"));
        assert!(!is("`src/a.rs`") && !is(""));
    }
}
