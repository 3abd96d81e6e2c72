//! The state of an enterprise between calls: counters, people, and until when each of them is busy.

use super::lines::{Body, Book};
use super::random::SplitMix64;
use super::truth::OpenCall;

pub const TOKEN: &str = "375290000000";
pub const TRUNKS: [&str; 5] = ["0001363", "0001364", "0001371", "0002210", "0002211"];

const CLIENTS: u32 = 19_998;
const EXTENSION_FIRST: u16 = 100;
const EXTENSIONS: u16 = 900;
/// After a call a client stays away this long, so that only the pattern made for it has two calls
/// of one phone in a minute.
const CLIENT_REST_MS: i64 = 60_000;
const EXTENSION_REST_MS: i64 = 3_000;

const CLIENT_NAMES: [&str; 16] = [
    "Тестовый покупатель",
    "Иван Петров",
    "Мария Иванова",
    "ООО \"Ромашка\"",
    "Пётр Сидоров",
    "Ольга Новик",
    "ИП Ковалёв | опт",
    "Сергей Жук",
    "Наталья Мороз",
    "Анна Кравец",
    "Дмитрий Волк",
    "Елена Савич",
    "ЧУП Тест-Сервис",
    "Алексей Бондарь",
    "Татьяна Лис",
    "Павел Гончар",
];
pub const MANAGER_NAMES: [(&str, &str); 8] = [
    ("Анна Сидорова", "Сидорова А."),
    ("Игорь Климов", "Климов И."),
    ("Светлана Орлова", "Орлова С."),
    ("Виктор Зайцев", "Зайцев В."),
    ("Юлия Король", "Король Ю."),
    ("Максим Шульга", "Шульга М."),
    ("Дарья Бык", "Бык Д."),
    ("Роман Лось", "Лось Р."),
];

#[derive(Clone)]
pub struct Client {
    /// As in bodies: with or without `+`.
    pub phone: String,
    pub digits: String,
    /// Known to the CRM under this name.
    pub name: Option<&'static str>,
}

/// One enterprise while its calls are written, in the order of their starts.
pub struct Enterprise {
    pub number: String,
    pub rng: SplitMix64,
    pub book: Book,
    pub body: Body,
    /// Calls with lines that are not in files yet.
    pub calls: Vec<OpenCall>,
    pub chats: [u32; 5],
    pub message_slots: u32,
    pub mess: bool,
    /// The next HTTP URL gets a lone `\r`.
    pub carriage_return_due: bool,
    /// The main id of the next call, instead of a counted one.
    pub next_main_uid: Option<String>,
    /// The id counted last for a main channel: `(epoch second, counter)`.
    pub last_main: (i64, u32),
    pub legacy_share: bool,
    uid_counter: u32,
    sip_counter: u32,
    local_counter: u32,
    next_call: u32,
    extension_pool: u16,
    extension_busy_ms: Vec<i64>,
    client_busy_ms: Vec<i64>,
}

impl Enterprise {
    pub fn new(number: &str, seed: u64, calls_per_day: u32, mess: bool) -> Self {
        let mut rng = SplitMix64::new(seed);
        let first_chat = 100_000_001 + rng.below(9_000) * 10;
        Self {
            number: number.to_owned(),
            rng,
            book: Book::default(),
            body: Body::default(),
            calls: Vec::new(),
            chats: std::array::from_fn(|nth| first_chat + nth as u32),
            message_slots: 0,
            mess,
            carriage_return_due: false,
            next_main_uid: None,
            last_main: (0, 0),
            legacy_share: false,
            uid_counter: 1,
            sip_counter: 0,
            local_counter: 0,
            next_call: 0,
            extension_pool: (calls_per_day / 40).clamp(12, 750) as u16,
            extension_busy_ms: vec![i64::MIN; usize::from(EXTENSIONS)],
            client_busy_ms: vec![i64::MIN; CLIENTS as usize],
        }
    }

    /// The PBX restarts at night: channel numbers begin anew, so a channel's name is unique within
    /// a day only. UniqueIds go on.
    pub fn open_day(&mut self, day_ms: i64) {
        self.book.open_day(day_ms);
        self.sip_counter = 0;
        self.local_counter = 0;
    }

    pub fn count_call(&mut self) -> u32 {
        self.next_call += 1;
        self.next_call - 1
    }

    /// The UniqueId of a channel that is created at `at_ms`.
    pub fn uid(&mut self, at_ms: i64) -> String {
        self.uid_counter += 1;
        format!("{}.{}", at_ms.div_euclid(1000), self.uid_counter - 1)
    }

    pub fn main_uid(&mut self, at_ms: i64) -> String {
        if let Some(uid) = self.next_main_uid.take() {
            return uid;
        }
        self.last_main = (at_ms.div_euclid(1000), self.uid_counter);
        self.uid(at_ms)
    }

    pub fn sip_channel(&mut self, peer: &str) -> String {
        self.sip_counter += 1;
        format!("SIP/{peer}-{:08x}", self.sip_counter - 1)
    }

    /// The two names of a Local channel, `;1` and `;2`.
    pub fn local_channels(&mut self, number: &str, context: &str) -> [String; 2] {
        self.local_counter += 1;
        let name = format!("Local/{number}@{context}-{:08x}", self.local_counter - 1);
        [format!("{name};1"), format!("{name};2")]
    }

    /// A free extension, busy until `until_ms`.
    pub fn take_extension(&mut self, now_ms: i64, until_ms: i64) -> String {
        let free = |busy: &[i64], nth: u16| busy[usize::from(nth)] < now_ms;
        let tried = (0..40)
            .map(|_| 50 + self.rng.below(u32::from(self.extension_pool)) as u16)
            .find(|&nth| free(&self.extension_busy_ms, nth));
        let nth = tried
            .or_else(|| (0..EXTENSIONS).find(|&nth| free(&self.extension_busy_ms, nth)))
            .expect("the greatest calls_per_day keeps fewer than 900 extensions busy");
        let extension = (EXTENSION_FIRST + nth).to_string();
        self.keep_extension(&extension, until_ms);
        extension
    }

    pub fn keep_extension(&mut self, extension: &str, until_ms: i64) {
        let number: u16 = extension.parse().expect("made by take_extension");
        let nth = usize::from(number - EXTENSION_FIRST);
        self.extension_busy_ms[nth] = until_ms + EXTENSION_REST_MS;
    }

    /// A client who is in no call, busy until `until_ms`; a few clients call often.
    pub fn take_client(&mut self, now_ms: i64, until_ms: i64) -> Client {
        let index = loop {
            let index = self.rng.skewed(CLIENTS);
            if self.client_busy_ms[index as usize] < now_ms {
                break index;
            }
        };
        let subscriber = 1 + index / 2;
        let operator = if index.is_multiple_of(2) {
            "37529000"
        } else {
            "37544000"
        };
        let digits = format!("{operator}{subscriber:04}");
        let plus = if self.rng.one_in(9) { "+" } else { "" };
        let known = !index.is_multiple_of(3);
        let client = Client {
            phone: format!("{plus}{digits}"),
            digits,
            name: known.then(|| CLIENT_NAMES[(index / 3 % 16) as usize]),
        };
        self.client_busy_ms[index as usize] = until_ms + CLIENT_REST_MS;
        client
    }

    /// Seconds of ringing, 2..=30, in ms.
    pub fn ring_ms(&mut self) -> i64 {
        self.rng.range(2_000, 30_000)
    }

    /// Talk time in ms: 5..600 s with a mean near 90 s (deciles of the exponential curve), and one
    /// call in 1,500 goes on for one to two hours.
    pub fn talk_ms(&mut self) -> i64 {
        const DECILES_S: [i64; 11] = [5, 9, 18, 29, 42, 56, 74, 98, 135, 190, 600];
        if self.rng.one_in(1500) {
            return self.rng.range(3_600_000, 7_200_000);
        }
        let decile = self.rng.below(10) as usize;
        self.rng
            .range(DECILES_S[decile] * 1000, DECILES_S[decile + 1] * 1000)
    }
}

/// A manager's own mobile, one per extension.
pub fn mobile_of(extension: &str) -> String {
    format!("37533000{extension:0>4}")
}
