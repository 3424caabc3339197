//! What a port is asked first. Its number never says what it is: only the answer does.

/// One way to ask.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// Waits for the server to speak.
    Listen,
    Http,
    Tls,
    Http2,
    Cache,
    Postgres,
    Mongo,
    Kafka,
    Amqp,
    Mqtt,
    Ldap,
    Dns,
}

/// For a port that nothing is known of, as far as there are connections left. To those at the end
/// lead a greeting or what they answer to HTTP.
const USUAL: [Step; 12] = [
    Step::Listen,
    Step::Http,
    Step::Tls,
    Step::Dns,
    Step::Cache,
    Step::Postgres,
    Step::Kafka,
    Step::Ldap,
    Step::Mqtt,
    Step::Http2,
    Step::Mongo,
    Step::Amqp,
];

impl Step {
    /// Whether a server of this kind may react to an HTTP request by these bytes and that end. With
    /// nothing, only one stays that still waits for the rest of what it takes for a length.
    pub(super) fn may_answer_http_so(self, bytes: &[u8], has_ended: bool) -> bool {
        match self {
            _ if !bytes.is_empty() => true,
            Self::Tls | Self::Http2 => true,
            Self::Dns => !has_ended,
            Self::Listen | Self::Http | Self::Cache | Self::Postgres => has_ended,
            Self::Mongo | Self::Kafka | Self::Amqp | Self::Mqtt | Self::Ldap => has_ended,
        }
    }
}

/// By the number, all steps, likely ones first.
pub(super) fn steps(port: u16, inside_tls: bool) -> Vec<Step> {
    let mut steps = match inside_tls {
        true => first_inside(port).to_vec(),
        false => first(port).to_vec(),
    };
    let never = |step: &Step| inside_tls && matches!(step, Step::Tls | Step::Postgres);
    steps.extend(USUAL.iter().filter(|step| !never(step)));
    let mut seen = Vec::new();
    steps.retain(|step| {
        let is_new = !seen.contains(step);
        seen.push(*step);
        is_new
    });
    steps
}

/// Numbers of IANA's register and those that the servers themselves begin with.
fn first(port: u16) -> &'static [Step] {
    match port {
        21 | 22 | 25 | 110 | 143 | 587 | 2222 | 3306 | 4222 => &[Step::Listen],
        80 | 3000 | 3128 | 8000 | 8080..=8090 | 8888 | 9090 | 9091 | 9100 | 9200 => &[Step::Http],
        443 | 465 | 636 | 853 | 993 | 995 | 5671 | 6443 | 8443 | 8883 | 9443 | 10250 => {
            &[Step::Tls]
        }
        2379 | 2380 => &[Step::Http, Step::Tls],
        50051 => &[Step::Http2],
        6379 | 6380 | 11211 => &[Step::Cache],
        5432 => &[Step::Postgres],
        27017..=27019 => &[Step::Mongo],
        9092..=9094 => &[Step::Kafka],
        5672 => &[Step::Amqp],
        1883 => &[Step::Mqtt],
        389 => &[Step::Ldap],
        53 => &[Step::Dns],
        _ => &[],
    }
}

fn first_inside(port: u16) -> &'static [Step] {
    match port {
        636 => &[Step::Ldap],
        853 => &[Step::Dns],
        5671 => &[Step::Amqp],
        6379 | 6380 => &[Step::Cache],
        8883 => &[Step::Mqtt],
        9092..=9094 => &[Step::Kafka],
        27017..=27019 => &[Step::Mongo],
        465 | 993 | 995 => &[Step::Listen],
        _ => &[],
    }
}

/// Whether the server is expected to speak first, and is worth a longer wait.
pub(super) fn is_greeting_likely(port: u16, inside_tls: bool) -> bool {
    let first = if inside_tls { first_inside(port) } else { first(port) };
    first.first() == Some(&Step::Listen)
}
