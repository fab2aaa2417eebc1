//! What response wrote down in English, said in Vietnamese: sentences as data, each with a stable code.
//!
//! Journals keep what was said when it was said; it is translated when it is read, so that old entries are as well. What a device
//! said of its own stays as it said it.

use std::sync::OnceLock;

pub use fansipan_model::told::Told;
use fansipan_model::told::{READERS, Sentences};

const SENTENCES: &str = include_str!("../data/told.txt");

/// Says a text of response in Vietnamese.
pub fn told(text: &str) -> Told {
    static READ: OnceLock<Sentences> = OnceLock::new();
    READ.get_or_init(|| Sentences::read(&[SENTENCES, READERS])).say(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sentences_and_what_stands_in_them() {
        for (en, code, vi) in [
            ("approved", Some("FSP-ACT-103"), "đã duyệt"),
            (
                "asked for: block web.example (203.0.113.7) on fw-core (medium)",
                Some("FSP-ACT-317"),
                "đề nghị: chặn web.example (203.0.113.7) trên fw-core (mức trung bình)",
            ),
            (
                "handed to a person: 5 tries, the last: fw.example: time-out",
                Some("FSP-ACT-119"),
                "chuyển cho người: đã thử 5 lần, lần cuối: fw.example: quá thời gian",
            ),
            (
                "fw.example answered 500 Internal Server Error: {\"error\": \"{1}\"}; tried again in 4 s",
                Some("FSP-ACT-118"),
                "fw.example trả lời 500 Internal Server Error: {\"error\": \"{1}\"}; thử lại sau 4 giây",
            ),
            (
                "FSP-ACT-002 10.0.0.1 is protected (a gateway of this machine): no action may touch it; [response.protected] lists what is",
                Some("FSP-ACT-002"),
                "FSP-ACT-002 10.0.0.1 được bảo vệ (cổng mạng của máy này): không lệnh nào được chạm vào; xem [response.protected]",
            ),
            (
                "the incident names nothing to act on; no device plays the part `mail`; tell them by hand",
                Some("FSP-ACT-306"),
                "sự cố không nêu đối tượng nào để xử lý; chưa giao thiết bị nào giữ vai `mail`; hãy tự báo cho họ",
            ),
            ("đã gọi cho trưởng phòng", None, "đã gọi cho trưởng phòng"),
            ("", None, ""),
        ] {
            assert_eq!(told(en), Told { code, vi: vi.to_owned() }, "{en}");
        }
    }

    #[test]
    fn every_line_is_read_and_every_code_is_given_once() {
        assert_eq!(Sentences::faults(&[SENTENCES, READERS]), Vec::<String>::new());
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_a_device_says_is_taken(text in "(approved|handed to a person: |FSP-ACT-00[0-9] |; |[{}~|0-9]|\\PC){0,12}") {
            let _ = told(&text);
        }
    }
}
