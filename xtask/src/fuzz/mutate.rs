//! [`Mutator`]: a seeded generator of damaged inputs.

/// Damages inputs, the same way for the same seed.
pub(super) struct Mutator {
    state: u64,
    words: &'static [&'static str],
}

/// Numbers at which counts and lengths break.
const NUMBERS: [u64; 12] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    i64::MAX as u64,
    u64::MAX,
];

impl Mutator {
    pub(super) fn new(seed: u64, name: &str, words: &'static [&'static str]) -> Self {
        let state = name.bytes().fold(seed ^ 0x9e37_79b9_7f4a_7c15, |state, byte| {
            (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self { state: state.max(1), words }
    }

    /// One damaged input, made of one or two of the seeds. `repair` makes it plausible again, half of the time.
    pub(super) fn mutate(&mut self, seeds: &[Vec<u8>], repair: fn(&mut [u8])) -> Vec<u8> {
        let mut input = seeds[self.below(seeds.len())].clone();
        if self.below(12) == 0 {
            let other = &seeds[self.below(seeds.len())];
            let (cut, from) = (self.below(input.len() + 1), self.below(other.len() + 1));
            input.truncate(cut);
            input.extend_from_slice(&other[from..]);
        }
        for _ in 0..=self.below(6) {
            self.damage(&mut input);
        }
        if self.below(2) == 0 {
            repair(&mut input);
        }
        input
    }

    fn damage(&mut self, input: &mut Vec<u8>) {
        let at = self.place(input.len());
        let reach = 1 << self.below(10);
        let length = 1 + self.below(reach);
        let end = (at + length).min(input.len());
        match self.below(11) {
            0 => self.at(input, at, |byte, _| *byte ^= 1),
            1 => self.at(input, at, |byte, random| *byte ^= 1 << (random % 8)),
            2 => self.at(input, at, |byte, random| *byte = random.to_le_bytes()[0]),
            3 => {
                input.drain(at..end);
            }
            4 => {
                let copy = input[at..end].to_vec();
                let times = 1 + self.below(4);
                input.splice(at..at, std::iter::repeat_n(copy, times).flatten());
            }
            5 => input[at..end].fill(if length.is_multiple_of(2) { 0 } else { 0xff }),
            6 => {
                let number = NUMBERS[self.below(NUMBERS.len())].wrapping_sub(self.next() % 3);
                self.overwrite(input, at, number);
            }
            7 if !self.words.is_empty() => {
                let word = self.words[self.below(self.words.len())].as_bytes();
                let end = if self.below(2) == 0 { at } else { (at + word.len()).min(input.len()) };
                input.splice(at..end, word.iter().copied());
            }
            8 => input.truncate(at),
            9 => {
                let from = self.place(input.len());
                let copy = input[from..(from + length).min(input.len())].to_vec();
                input.splice(at..end, copy);
            }
            _ => self.digit(input, at),
        }
    }

    /// Overwrites one, two, four or eight bytes with a number of either byte order.
    fn overwrite(&mut self, input: &mut [u8], at: usize, number: u64) {
        let width = 1 << self.below(4);
        let bytes: Vec<u8> = if self.below(2) == 0 {
            number.to_le_bytes()[..width].to_vec()
        } else {
            number.to_be_bytes()[8 - width..].to_vec()
        };
        for (place, byte) in input.iter_mut().skip(at).zip(bytes) {
            *place = byte;
        }
    }

    /// Changes the next decimal or octal digit.
    fn digit(&mut self, input: &mut [u8], at: usize) {
        let random = self.next();
        if let Some(digit) = input.iter_mut().skip(at).find(|byte| byte.is_ascii_digit()) {
            *digit = b'0' + random.to_le_bytes()[0] % 10;
        }
    }

    fn at(&mut self, input: &mut [u8], at: usize, change: impl Fn(&mut u8, u64)) {
        let random = self.next();
        if let Some(byte) = input.get_mut(at) {
            change(byte, random);
        }
    }

    /// A place in the input: headers are at the front, so the front is hit more often.
    fn place(&mut self, length: usize) -> usize {
        let reach = if self.below(3) == 0 { length.min(2048) } else { length };
        self.below(reach + 1)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound.max(1) as u64).expect("less than the bound, which is one")
    }

    /// xorshift64 (Marsaglia 2003).
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_the_same_inputs_and_another_seed_others() {
        let seeds = [b"a seed of some length".to_vec(), b"another 123".to_vec()];
        let inputs = |seed| -> Vec<Vec<u8>> {
            let mut mutator = Mutator::new(seed, "name", &["word"]);
            (0..200).map(|_| mutator.mutate(&seeds, |_| {})).collect()
        };
        assert_eq!(inputs(1), inputs(1));
        assert_ne!(inputs(1), inputs(2));
        let changed = inputs(1).iter().filter(|input| !seeds.contains(input)).count();
        assert!(changed > 150, "only {changed} of 200 inputs were damaged");
    }
}
