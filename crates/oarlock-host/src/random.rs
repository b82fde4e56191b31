//! Random numbers of the operating system, which nobody can foresee.

use std::io;

/// 128 random bits.
///
/// # Errors
/// The system has none to give.
pub fn u128() -> io::Result<u128> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|error| io::Error::other(error.to_string()))?;
    Ok(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_numbers_differ() {
        assert_ne!(super::u128().expect("random"), super::u128().expect("random"));
    }
}
