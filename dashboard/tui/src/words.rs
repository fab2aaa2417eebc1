//! What people read, in Vietnamese and English: one line a word, so that neither language lacks one.

use fansipan_cli::client::named;
use serde::{Deserialize, Serialize};

use crate::data::{Level, Status};

/// A language of the console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Language {
    /// Tiếng Việt, the default.
    #[default]
    Vietnamese,
    /// English.
    English,
}

impl Language {
    /// By its code; anything but `en` is Vietnamese.
    pub fn of(code: &str) -> Self {
        if code == "en" { Self::English } else { Self::Vietnamese }
    }

    /// The other one.
    pub fn other(self) -> Self {
        if self == Self::English { Self::Vietnamese } else { Self::English }
    }

    /// Its words.
    pub fn words(self) -> &'static Words {
        Words::of(self)
    }

    /// What is written in this language, where it is; else the English text.
    pub fn pick<'a>(self, english: &'a str, vietnamese: Option<&'a str>) -> &'a str {
        match (self, vietnamese) {
            (Self::Vietnamese, Some(text)) if !text.is_empty() => text,
            _ => english,
        }
    }

    /// Tactics and groups of incidents as people read them; what has no name stands as it is.
    pub fn names(self, ids: &[String]) -> Vec<String> {
        let name = |id: &String| named(id).map_or_else(|| id.clone(), |name| self.pick(&name.en, Some(&name.vi)).to_owned());
        ids.iter().map(name).collect()
    }
}

/// The text with each `{}` replaced, in order.
pub fn fill(template: &str, values: &[&str]) -> String {
    let mut parts = template.split("{}");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for (i, part) in parts.enumerate() {
        out.push_str(values.get(i).copied().unwrap_or_default());
        out.push_str(part);
    }
    out
}

/// A table of words: a line each, in both languages, so that neither lacks one.
macro_rules! words {
    ($vis:vis $($name:ident: $vi:literal, $en:literal;)*) => {
        /// Words of one language.
        #[derive(Debug)]
        $vis struct Words {
            $(#[doc = $en] $vis $name: &'static str,)*
        }

        static VIETNAMESE: Words = Words { $($name: $vi,)* };
        static ENGLISH: Words = Words { $($name: $en,)* };

        impl Words {
            /// In this language.
            $vis fn of(language: $crate::words::Language) -> &'static Words {
                match language {
                    $crate::words::Language::Vietnamese => &VIETNAMESE,
                    $crate::words::Language::English => &ENGLISH,
                }
            }
        }
    };
}

pub(crate) use words;

words! { pub
    wall: "Tổng quan", "Overview";
    alerts: "Cảnh báo", "Alerts";
    incidents: "Sự cố", "Incidents";
    search: "Tìm kiếm", "Search";
    sources: "Nguồn log", "Sources";
    live: "Trực tiếp", "Live";
    connecting: "Đang nối…", "Connecting…";
    polling: "Cập nhật định kỳ", "Polling";
    offline: "MẤT KẾT NỐI", "DISCONNECTED";
    per_second: "{} sự kiện/s", "{} events/s";
    lag: "trễ {}", "lag {}";
    open_alerts: "{} mở", "{} open";
    small: "Cửa sổ quá nhỏ: cần ít nhất 60 × 16", "The terminal is too small: 60 × 16 at least";
    loading: "Đang tải…", "Loading…";
    nothing: "Không có gì", "Nothing here";
    no_source: "chưa có nguồn", "no source";
    just_now: "vừa xong", "just now";
    ago: "{} trước", "{} ago";
    ahead: "sắp tới", "ahead of now";
    unit_seconds: "giây", "s";
    unit_minutes: "phút", "min";
    unit_hours: "giờ", "h";
    unit_days: "ngày", "d";
    of: "{}/{}", "{} of {}";
    at_least: "≥ {}", "≥ {}";

    critical: "Nghiêm trọng", "Critical";
    high: "Cao", "High";
    medium: "Trung bình", "Medium";
    low: "Thấp", "Low";
    informational: "Thông tin", "Info";
    critical_short: "NGH.TR", "CRIT";
    high_short: "CAO", "HIGH";
    medium_short: "T.BÌNH", "MED";
    low_short: "THẤP", "LOW";
    informational_short: "T.TIN", "INFO";
    status_new: "Mới", "New";
    status_acknowledged: "Đang xử lý", "In progress";
    status_true_positive: "Tấn công thật", "True positive";
    status_false_positive: "Báo nhầm", "False positive";
    status_benign: "Vô hại", "Benign";
    status_open: "Đang mở", "Open";
    status_all: "Tất cả", "All";

    reason_blocked: "Tấn công đã bị chặn", "Attack was blocked";
    reason_succeeded: "Tấn công thành công", "Attack succeeded";
    reason_malware: "Mã độc", "Malware";
    reason_policy: "Vi phạm chính sách", "Policy violation";
    reason_insider: "Người bên trong", "Insider";
    reason_drill: "Diễn tập", "Drill";
    reason_rule: "Luật quá rộng", "Rule too broad";
    reason_parsing: "Log bị phân tích sai", "Log parsed wrongly";
    reason_duplicate: "Trùng cảnh báo khác", "Duplicate of another alert";
    reason_stale_intel: "Chỉ dấu đã lỗi thời", "Indicator out of date";
    reason_misconfigured: "Thiết bị cấu hình sai", "Device misconfigured";
    reason_admin: "Thao tác của quản trị viên", "Administrator's work";
    reason_scanner: "Máy quét được cấp phép", "Authorized scanner";
    reason_scheduled: "Tác vụ định kỳ, sao lưu", "Scheduled job, backup";
    reason_test: "Kiểm thử", "Testing";
    reason_user_error: "Người dùng nhầm lẫn", "User's mistake";

    entity_host: "Máy", "Host";
    entity_user: "Tài khoản", "Account";
    entity_address: "Địa chỉ", "Address";
    entity_file: "Tệp", "File";
    entity_hash: "Mã băm", "Hash";
    entity_process: "Tiến trình", "Process";
    entity_domain: "Tên miền", "Domain";

    situation: "Tình hình", "Situation";
    calm: "Không có cảnh báo nghiêm trọng", "No critical alert is open";
    critical_open: "{} cảnh báo nghiêm trọng đang mở", "{} critical alerts open";
    high_open: "{} cảnh báo mức cao đang mở", "{} high alerts open";
    no_sources: "Chưa có nguồn log nào", "No log source yet";
    blind: "{}/{} nguồn im lặng", "{} of {} sources silent";
    seeing: "Đủ {} nguồn đang gửi", "All {} sources send";
    last_day: "24 giờ qua", "Last 24 hours";
    events: "Sự kiện", "Events";
    early_warnings: "Cảnh báo sớm", "Early warnings";
    vulnerabilities: "Lỗ hổng", "Vulnerabilities";
    attacks: "Tấn công", "Attacks";
    new_last_hour: "{} mới trong 1 giờ", "{} new in 1 h";
    usual: "1 giờ {}, thường {}", "1 h {}, usually {}";
    not_usual: "1 giờ {}", "1 h {}";
    open_now: "đang mở", "open";
    volume: "Lượng sự kiện 24 giờ", "Event volume, 24 hours";
    queue: "Cảnh báo chờ xử lý", "Alerts waiting";
    queue_empty: "Không có cảnh báo cao hoặc nghiêm trọng", "No high or critical alert";
    more: "còn nữa…", "and more…";
    open_incidents: "Sự cố đang mở: {}", "Open incidents: {}";
    incidents_none: "Không có sự cố đang mở", "No incident is open";
    health: "Sức khỏe", "Health";
    unparsed_share: "{} chưa phân tích được", "{} not parsed";
    waiting_analysis: "{} chờ phân tích, {} chờ lập chỉ mục", "{} await analysis, {} indexing";
    disk: "Đĩa còn trống {}", "Disk {} free";
    alarm: "BÁO ĐỘNG: {}", "ALARM: {}";
    silent: "Nguồn im lặng", "Silent sources";
    silent_none: "Mọi nguồn đều đang gửi", "Every source is sending";
    talkers: "Nguồn gửi nhiều", "Busiest sources";
    top_address: "Địa chỉ nguồn", "Source addresses";
    top_user: "Tài khoản", "Accounts";
    story: "Diễn biến", "What happened";
    refused_count: "{} bị từ chối", "{} refused";

    filter: "Lọc: {}", "Filter: {}";
    filter_label: "Lọc", "Filter";
    by_priority: "theo mức ưu tiên", "by priority";
    newest_first: "mới nhất trước", "newest first";
    col_level: "Mức", "Level";
    col_alert: "Cảnh báo", "Alert";
    col_entities: "Thực thể", "Entities";
    col_count: "Lần", "Count";
    col_last: "Lần cuối", "Last seen";
    col_status: "Trạng thái", "Status";
    col_holder: "Người xử lý", "Assignee";
    empty_open: "Hàng đợi trống. Cảnh báo mới tự hiện ra ở đây.", "The queue is empty. New alerts appear here by themselves.";
    empty_filtered: "Không có gì khớp bộ lọc.", "Nothing matches the filter.";
    new_arrived: "Cảnh báo mới: {}", "New alert: {}";
    first_seen: "Lần đầu", "First seen";
    last_seen: "Lần cuối", "Last seen";
    times: "{} lần", "{} times";
    nobody: "chưa ai nhận", "nobody yet";
    drill: "DIỄN TẬP", "DRILL";
    entities: "Thực thể liên quan", "Entities";
    matched: "Trường đã khớp luật", "Fields that matched";
    advice: "Việc nên làm", "What to do";
    sample: "{} sự kiện đầu trong {}", "first {} of {} events";
    events_none: "Sự kiện chưa tìm được: đang lập chỉ mục hoặc hết hạn lưu.", "The events cannot be found: being indexed, or past retention.";
    history: "Lịch sử 30 ngày của đối tượng", "30 days of what it is about";
    similar: "Các kết luận trước đây cho luật này", "Earlier verdicts on this rule";
    in_incident: "Thuộc một sự cố đang theo dõi: mở", "Part of an incident: open it";
    rank: "Ưu tiên {} = mức {} × tin cậy {} × rủi ro {}", "Priority {} = level {} × confidence {} × risk {}";
    verdict: "Kết luận", "Verdict";
    pick_reason: "Chọn lý do bằng phím số, Esc để thôi", "Pick the reason with a digit, Esc to stop";
    done_claim: "Đã nhận xử lý", "You have it";
    done_release: "Đã trả lại hàng đợi", "Back in the queue";
    done_verdict: "Kết luận: {} · {} (u hoàn tác)", "Verdict: {} · {} (u undoes)";
    done_many: "{} cảnh báo: {} · {} (u hoàn tác)", "{} alerts: {} · {} (u undoes)";
    undone: "Đã hoàn tác", "Undone";
    undo_nothing: "Không còn gì để hoàn tác", "Nothing left to undo";
    no_next: "Không còn cảnh báo mới nào trong bộ lọc này", "No new alert left under these filters";
    group_same: "Kết luận sẽ áp dụng cho {} cảnh báo đang mở cùng luật và cùng {}", "The verdict will fall on {} open alerts of this rule about {}";
    group_rule: "Kết luận sẽ áp dụng cho {} cảnh báo đang mở cùng luật", "The verdict will fall on {} open alerts of this rule";
    no_permission: "Tài khoản của bạn không có quyền này.", "Your account may not do this.";
    watching: "Đang canh {}: chuông reo khi có cảnh báo (w để thôi)", "Watching {}: the bell rings on an alert (w ends it)";
    not_watching: "Thôi canh {}", "No longer watching {}";
    watched_fired: "CANH: {} · {}", "WATCHED: {} · {}";
    open_incident_first: "Mở một sự cố trước: sự kiện được đưa vào sự cố mở gần nhất", "Open an incident first: the event goes into the one opened last";
    card: "Card mạng", "Interface";
    card_up: "đang chạy", "up";
    card_down: "MẤT KẾT NỐI: xem ip link", "DOWN: see ip link";

    escalate: "Cảnh báo này chưa thuộc sự cố nào · Enter: mở sự cố mới từ nó, Esc: thôi", "This alert is in no incident · Enter: open one about it, Esc: stop";
    no_incident: "Cảnh báo này chưa thuộc sự cố nào", "This alert is in no incident";

    except_title: "Ngoại lệ cho luật này", "An exception from this rule";
    except_about: "chỉ khi {}", "only when {}";
    except_everything: "mọi sự kiện của luật", "all events of the rule";
    except_lasts: "Hết hạn sau {}", "Ends after {}";
    except_preview: "30 ngày qua: giữ lại {} cảnh báo, trong đó {} đã kết luận là tấn công thật", "Last 30 days: {} alerts held back, {} of them judged true";
    except_asking: "Đang xem lại 30 ngày qua…", "Looking at the last 30 days…";
    except_keys: "1 2 3: hết hạn sau 1, 7, 30 ngày · x: đổi phạm vi · Enter: ghi lý do · Esc: thôi", "1 2 3: ends after 1, 7, 30 days · x: scope · Enter: give the reason · Esc: stop";
    except_reason: "Lý do của ngoại lệ", "Reason of the exception";
    except_done: "Ngoại lệ có hiệu lực đến {}", "The exception is in force until {}";

    col_title: "Sự cố", "Incident";
    col_alerts: "Cảnh báo", "Alerts";
    col_opened: "Mở lúc", "Opened";
    col_tactics: "Chiến thuật", "Tactics";
    none_hint: "Các cảnh báo cùng kẻ tấn công hoặc cùng nạn nhân tự gộp thành sự cố.", "Alerts that share an attacker or a victim become one incident by themselves.";
    size: "{} cảnh báo, {} sự kiện", "{} alerts, {} events";
    groups: "Nhóm sự cố", "Groups";
    stages: "Các bước xử lý", "Stages of handling";
    stage_new: "Mới", "New";
    stage_triaged: "Đã phân loại", "Triaged";
    stage_contained: "Đã ngăn chặn", "Contained";
    stage_eradicated: "Đã loại bỏ", "Eradicated";
    stage_recovered: "Đã khôi phục", "Recovered";
    stage_closed: "Đã đóng", "Closed";
    clock_met: "đạt, còn {}", "met, {} left";
    clock_missed: "trễ {}", "late by {}";
    clock_running: "còn {}", "{} left";
    clock_late: "QUÁ HẠN {}", "OVERDUE {}";
    present: "Cùng xem: {}", "Also here: {}";
    its_alerts: "Cảnh báo của sự cố ({})", "Alerts of the incident ({})";
    workspace: "Ghi chép", "Records";
    note: "Ghi chú", "Note";
    conclusion: "Kết luận: điều gì đã xảy ra", "Conclusion: what happened";
    lead_to: "Chuyển sang: {}", "Lead to: {}";
    recorded: "Đã ghi nhận", "Recorded";
    one_of: "một trong: {}", "one of: {}";

    query: "Truy vấn", "Query";
    range: "{} qua", "last {}";
    found: "{} sự kiện", "{} events";
    rows: "{} dòng", "{} rows";
    incomplete: "chưa đủ: hãy thu hẹp", "not all: narrow it";
    took: "{} ms", "{} ms";
    col_time: "Thời gian", "Time";
    col_host: "Máy / nguồn", "Host / source";
    col_message: "Nội dung", "Message";
    search_start: "Gõ câu truy vấn rồi Enter. Ví dụ:", "Type a query, then Enter. Examples:";
    search_empty: "Không có sự kiện nào. Thử mở rộng khoảng thời gian (r).", "No events. Widen the time range (r).";
    original: "Bản ghi gốc", "Original record";
    fields: "Các trường", "All fields";

    product: "Sản phẩm", "Product";
    col_source: "Nguồn", "Source";
    col_kept: "Đã giữ", "Kept";
    col_parsed: "Hiểu được", "Parsed";
    col_refused: "Từ chối", "Refused";
    state_active: "đang gửi", "sending";
    state_silent: "im lặng", "silent";
    only_silent: "chỉ nguồn im lặng", "silent only";
    sources_none: "Trỏ một thiết bị về máy chủ này; nó tự hiện ra ở đây.", "Point a device at this server; it appears here by itself.";
    ledger: "Sổ nhận và mất", "Received and lost";
    received: "Đã nhận", "Received";
    bytes: "Dung lượng gốc", "Original bytes";
    packets: "Gói tin", "Packets";
    coverage: "Độ phủ", "Coverage";
    packets_seen: "Đã đọc", "Read";
    kernel_drops: "Nhân hệ điều hành bỏ", "Dropped by the kernel";
    interface_drops: "Card mạng bỏ", "Dropped by the card";
    own_drops: "Cảm biến bỏ", "Dropped by the sensor";
    balance_ok: "Đã nhận = đã giữ + từ chối", "Received = kept + refused";
    balance_bad: "Sổ lệch {} bản ghi", "The ledger is off by {} records";
    unparsed: "Chưa hiểu", "Unparsed";
    peer: "Địa chỉ gửi", "Sent from";
    certificate: "Chứng thư", "Certificate";
    transport: "Giao thức", "Transport";
    format: "Định dạng", "Format";
    pinned: "đã ghim", "pinned";
    skew: "Đồng hồ lệch", "Clock skew";
    skew_none: "chưa đo được", "not measured yet";
    see_events: "Xem sự kiện của nguồn này", "See this source's events";

    activity: "Sự kiện theo thời gian", "Events over time";
    no_alerts: "Không có cảnh báo nào trong khoảng này", "No alert in this range";
    recent: "Sự kiện mới nhất", "Latest events";
    see_all_events: "Xem mọi sự kiện", "See all events";

    keys: "Phím tắt", "Keyboard shortcuts";
    keys_anywhere: "Mọi nơi", "Everywhere";
    keys_lists: "Danh sách", "Lists";
    keys_alerts: "Cảnh báo, sự cố", "Alerts, incidents";
    key_sheet: "Bảng phím tắt này", "This sheet";
    key_overview: "Đến Tổng quan", "Go to Overview";
    key_go_alerts: "Đến Cảnh báo", "Go to Alerts";
    key_go_incidents: "Đến Sự cố", "Go to Incidents";
    key_search: "Đến Tìm kiếm", "Go to Search";
    key_sources: "Đến Nguồn log", "Go to Sources";
    key_focus: "Vào ô tìm kiếm, ô lọc", "Focus the search or filter box";
    key_language: "Đổi ngôn ngữ", "Switch language";
    key_theme: "Đổi nền sáng, tối", "Switch dark and light";
    key_down: "Dòng dưới", "Row down";
    key_up: "Dòng trên", "Row up";
    key_page: "Trang", "Page";
    key_ends: "Đầu, cuối", "First, last";
    key_open: "Mở", "Open";
    key_side: "Qua lại giữa danh sách và chi tiết", "Between list and details";
    key_close: "Đóng, thôi", "Close, cancel";
    key_back: "Trở lại", "Back";
    key_next: "Lấy cảnh báo tiếp theo", "Take the next alert";
    key_claim: "Nhận hoặc trả lại", "Take or give back";
    key_true_positive: "Kết luận: tấn công thật, rồi số lý do", "Verdict: true positive, then the reason's digit";
    key_false_positive: "Kết luận: báo nhầm, rồi số lý do", "Verdict: false positive, then the reason's digit";
    key_benign: "Kết luận: vô hại, rồi số lý do", "Verdict: benign, then the reason's digit";
    key_group: "Chọn cả nhóm cùng loại", "Choose the whole group of its kind";
    key_undo: "Hoàn tác", "Undo";
    key_add_event: "Đưa sự kiện vào sự cố vừa mở", "Put the event into the incident opened last";
    key_escalate: "Mở sự cố của cảnh báo, hoặc lập sự cố mới", "Open the alert's incident, or a new one";
    key_except: "Tạo ngoại lệ từ cảnh báo", "Make an exception from the alert";
    key_packets: "Lưu gói tin của cảnh báo, sự kiện vào tệp", "Save the packets of the alert or event to a file";
    key_watch: "Canh đối tượng: reo chuông khi có cảnh báo", "Watch it: ring on an alert";
    key_note: "Ghi chú vào sự cố", "Write a note into the incident";
    key_stage: "Chuyển sự cố sang bước tiếp theo", "Lead the incident to its next stage";
    key_order: "Xếp theo ưu tiên, theo thời gian", "Order by priority, by time";
    key_status: "Đổi phần được liệt kê: đang mở, tất cả, im lặng…", "List another part: open, all, silent…";
    key_range: "Đổi khoảng thời gian", "Change the time range";
    key_quit: "Thoát", "Quit";
    key_handover: "Đến Bàn giao ca", "Go to Shift handover";
    key_sign: "Ký bàn giao", "Sign the handover";
    key_rules: "Đến Luật", "Go to Rules";
    key_go_actions: "Đến Ứng phó", "Go to Response";
    key_go_playbooks: "Đến Kịch bản", "Go to Playbooks";
    key_appliance: "Đến Hệ thống", "Go to Appliance";
    key_act: "Đề nghị lệnh; chạy kịch bản; bật, tắt luật", "Ask for an action; start a playbook; rule on, off";
    key_approve: "Duyệt lệnh", "Approve the action";
    key_reject: "Không duyệt lệnh; dừng kịch bản", "Refuse the action; stop the playbook";
    key_take_back: "Gỡ hoặc rút lại lệnh", "Undo the action or take it back";
    key_by_hand: "Lệnh đã làm bằng tay", "The action was done by hand";
    key_answer: "Trả lời việc mà kịch bản chờ", "Answer what the playbook waits for";
    key_playbook: "Chạy kịch bản cho sự cố", "Start a playbook for the incident";
    key_view: "Đổi phần được liệt kê: tất cả, chờ người…", "List another part: all, waiting…";
    keys_response: "Ứng phó, kịch bản, luật", "Response, playbooks, rules";

    hint_keys: "phím", "keys";
    hint_next: "Tiếp", "Next";
    hint_claim: "Nhận", "Take";
    hint_true: "Thật", "True";
    hint_false: "Nhầm", "False";
    hint_benign: "Vô hại", "Benign";
    hint_group: "Nhóm", "Group";
    hint_filter: "Lọc", "Filter";
    hint_search: "Tìm", "Search";
    hint_incident: "Sự cố", "Incident";
    hint_except: "Ngoại lệ", "Exception";
    hint_watch: "Canh", "Watch";
    hint_stage: "Bước tiếp", "Next stage";
    hint_side: "Qua lại", "Switch side";
    hint_range: "Khoảng", "Range";
    hint_add_event: "Vào sự cố", "To the incident";
    hint_act: "Chặn", "Block";
    hint_playbook: "Kịch bản", "Playbook";
    hint_which: "Đổi phần liệt kê", "Another part";

    error_unreachable: "Không kết nối được máy chủ; đang thử lại.", "The server cannot be reached; trying again.";
    error_not_authenticated: "Không đăng nhập được: thẻ truy cập sai hoặc đã thu hồi.", "Not logged in: the token is wrong or revoked.";
    error_forbidden: "Tài khoản của bạn không có quyền này.", "Your account may not do this.";
    error_not_found: "Không tồn tại, hoặc thuộc đơn vị bạn không được xem.", "It does not exist, or belongs to an agency you cannot see.";
    error_conflict: "Người khác vừa thay đổi mục này. Đã tải lại bản mới.", "Somebody else just changed this. The new version is loaded.";
    error_busy: "Máy chủ đang bận. Hãy thử lại sau vài giây.", "The server is busy. Try again in a few seconds.";
    error_timed_out: "Quá thời gian. Hãy thu hẹp khoảng thời gian hoặc câu truy vấn.", "It took too long. Narrow the time range or the query.";
    error_store: "Kho dữ liệu chưa trả lời. Log vẫn được nhận và giữ an toàn.", "The event store does not answer. Logs are still received and kept safe.";
    quit_question: "Thoát? q: thoát · Esc: ở lại", "Quit? q: quit · Esc: stay";
}

impl Words {
    /// Of a level.
    pub fn level(&self, level: Level) -> &'static str {
        match level {
            Level::Critical => self.critical,
            Level::High => self.high,
            Level::Medium => self.medium,
            Level::Low => self.low,
            Level::Informational => self.informational,
        }
    }

    /// Of a level, in at most six columns.
    pub fn level_short(&self, level: Level) -> &'static str {
        match level {
            Level::Critical => self.critical_short,
            Level::High => self.high_short,
            Level::Medium => self.medium_short,
            Level::Low => self.low_short,
            Level::Informational => self.informational_short,
        }
    }

    /// Of a status.
    pub fn status(&self, status: Status) -> &'static str {
        match status {
            Status::New => self.status_new,
            Status::Acknowledged => self.status_acknowledged,
            Status::TruePositive => self.status_true_positive,
            Status::FalsePositive => self.status_false_positive,
            Status::Benign => self.status_benign,
        }
    }

    /// Of a kind of entity.
    pub fn entity<'a>(&'a self, kind: &'a str) -> &'a str {
        match kind {
            "host" => self.entity_host,
            "user" => self.entity_user,
            "address" => self.entity_address,
            "file" => self.entity_file,
            "hash" => self.entity_hash,
            "process" => self.entity_process,
            "domain" => self.entity_domain,
            other => other,
        }
    }

    /// Of a stage of handling.
    pub fn stage<'a>(&'a self, stage: &'a str) -> &'a str {
        match stage {
            "new" => self.stage_new,
            "triaged" => self.stage_triaged,
            "contained" => self.stage_contained,
            "eradicated" => self.stage_eradicated,
            "recovered" => self.stage_recovered,
            "closed" => self.stage_closed,
            other => other,
        }
    }

    /// Of a verdict's reason as it is recorded; what is not known stands as it is.
    pub fn reason<'a>(&'a self, word: &'a str) -> &'a str {
        match word {
            "blocked" => self.reason_blocked,
            "succeeded" => self.reason_succeeded,
            "malware" => self.reason_malware,
            "policy" => self.reason_policy,
            "insider" => self.reason_insider,
            "drill" => self.reason_drill,
            "rule" => self.reason_rule,
            "parsing" => self.reason_parsing,
            "duplicate" => self.reason_duplicate,
            "stale_intel" => self.reason_stale_intel,
            "misconfigured" => self.reason_misconfigured,
            "admin" => self.reason_admin,
            "scanner" => self.reason_scanner,
            "scheduled" => self.reason_scheduled,
            "test" => self.reason_test,
            "user_error" => self.reason_user_error,
            other => other,
        }
    }
}

/// Reasons of a verdict, by their digits.
pub fn reasons(verdict: Status) -> &'static [&'static str] {
    match verdict {
        Status::TruePositive => &["blocked", "succeeded", "malware", "policy", "insider", "drill"],
        Status::FalsePositive => &["rule", "parsing", "duplicate", "stale_intel", "misconfigured"],
        Status::Benign => &["admin", "scanner", "scheduled", "test", "user_error"],
        Status::New | Status::Acknowledged => &[],
    }
}
