//! Fields that only the server that they are meant for, and who asks for them, may see.

use netdiag_wire::http::{HttpEvent, HttpField, HttpReport};

use crate::render::HIDDEN;

pub(crate) fn is_secret(field: &HttpField) -> bool {
    const SECRET: [&str; 4] = ["Authorization", "Proxy-Authorization", "Cookie", "Set-Cookie"];
    SECRET.iter().any(|name| field.is(name))
}

/// Their values go, wherever in a report they stand.
pub(super) fn hide(report: &mut HttpReport) {
    report.interim.iter_mut().for_each(|interim| hide_fields(&mut interim.fields));
    if let Some(answer) = &mut report.answer {
        hide_fields(&mut answer.fields);
    }
    if let Some(over) = &mut report.over {
        hide_fields(&mut over.trailers);
    }
}

/// The same of one event.
pub(super) fn hide_in(event: &mut HttpEvent) {
    match event {
        HttpEvent::Interim { fields, .. } => hide_fields(fields),
        HttpEvent::Answer(answer) => hide_fields(&mut answer.fields),
        HttpEvent::Over(over) => hide_fields(&mut over.trailers),
        _ => {}
    }
}

fn hide_fields(fields: &mut [HttpField]) {
    for field in fields.iter_mut().filter(|field| is_secret(field)) {
        field.value = HIDDEN.into();
    }
}

#[cfg(test)]
mod tests {
    use netdiag_wire::http::{HttpAnswer, HttpFold, HttpOver};

    use super::*;

    #[test]
    fn no_event_and_no_report_tells_a_cookie() {
        let fields = || vec![HttpField::new("set-cookie", "s=1"), HttpField::new("X", "y")];
        let answer = HttpAnswer { fields: fields(), ..HttpAnswer::default() };
        let over = HttpOver { trailers: fields(), ..HttpOver::default() };
        let mut events = [
            HttpEvent::Interim { status: 103, fields: fields() },
            HttpEvent::Answer(Box::new(answer)),
            HttpEvent::Over(Box::new(over)),
        ];
        let mut fold = HttpFold::default();
        events.iter().for_each(|event| fold.push(event));
        let mut report = fold.report(None);
        hide(&mut report);
        events.iter_mut().for_each(hide_in);
        for told in [serde_json::to_string(&report), serde_json::to_string(&events)] {
            let told = told.unwrap();
            assert_eq!(told.matches(HIDDEN).count(), 3, "{told}");
            assert_eq!(told.matches("\"y\"").count(), 3, "{told}");
            assert!(!told.contains("s=1"), "{told}");
        }
    }
}
