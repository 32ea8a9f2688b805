//! [`Names`]: one small number for each name, so that the solver compares and indexes numbers.
//!
//! An open hash table in place of the standard one, whose order and seed differ from run to run: numbers are
//! given in the order in which names are first met, and nothing ever walks the table. It makes no promise
//! against names chosen to collide; indexes are signed by someone.

/// Texts by number and numbers by text.
#[derive(Debug, Clone, Default)]
pub(super) struct Names<'text> {
    texts: Vec<&'text [u8]>,
    /// One more than the number, or zero; the length is a power of two.
    slots: Vec<u32>,
}

impl<'text> Names<'text> {
    /// An empty table with room for about `names`.
    pub(super) fn with_room_for(names: usize) -> Self {
        Self { texts: Vec::with_capacity(names), slots: vec![0; (names * 2).next_power_of_two().max(16)] }
    }

    /// The number of a text, a new one if it was never met.
    pub(super) fn number(&mut self, text: &'text [u8]) -> u32 {
        if self.texts.len() * 2 >= self.slots.len() {
            self.grow();
        }
        let slot = self.slot(text);
        if self.slots[slot] == 0 {
            self.texts.push(text);
            self.slots[slot] = u32::try_from(self.texts.len()).expect("texts of under 2^31 bytes in all");
        }
        self.slots[slot] - 1
    }

    /// The number of a text, if it was met.
    pub(super) fn find(&self, text: &[u8]) -> Option<u32> {
        self.slots[self.slot(text)].checked_sub(1)
    }

    fn slot(&self, text: &[u8]) -> usize {
        let mask = self.slots.len() - 1;
        let mut slot = hash(text) & mask;
        while let Some(number) = self.slots[slot].checked_sub(1) {
            if self.texts[number as usize] == text {
                break;
            }
            slot = (slot + 1) & mask;
        }
        slot
    }

    fn grow(&mut self) {
        let mut larger = Self { texts: Vec::new(), slots: vec![0; self.slots.len() * 2] };
        let mask = larger.slots.len() - 1;
        for (number, text) in (1..).zip(&self.texts) {
            let mut slot = hash(text) & mask;
            while larger.slots[slot] != 0 {
                slot = (slot + 1) & mask;
            }
            larger.slots[slot] = number;
        }
        self.slots = larger.slots;
    }
}

/// A quick hash that depends on nothing but the text.
fn hash(text: &[u8]) -> usize {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut state = text.len() as u64;
    let mut chunks = text.chunks_exact(8);
    for chunk in &mut chunks {
        let word = u64::from_le_bytes(chunk.try_into().expect("chunks of eight"));
        state = (state.rotate_left(5) ^ word).wrapping_mul(FACTOR);
    }
    let rest = chunks.remainder().iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
    state = (state.rotate_left(5) ^ rest).wrapping_mul(FACTOR);
    usize::try_from((state ^ state >> 32) & 0xffff_ffff).expect("32 bits fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_number() {
        let texts: Vec<String> = (0..5000).map(|number| format!("so:lib{number}.so.1")).collect();
        let mut names = Names::with_room_for(4);
        for (number, text) in (0..).zip(&texts) {
            assert_eq!(names.find(text.as_bytes()), None);
            assert_eq!(names.number(text.as_bytes()), number);
        }
        for (number, text) in (0..).zip(&texts) {
            assert_eq!(names.number(text.as_bytes()), number);
            assert_eq!(names.find(text.as_bytes()), Some(number));
        }
    }
}
