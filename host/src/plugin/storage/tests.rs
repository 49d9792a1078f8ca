//! The bounds of a loan, without a guest.

use super::*;

fn exchange(role_arn: Option<&str>) -> Exchange {
    Exchange {
        origin: "https://sts.test".into(),
        allow_private: false,
        region: "eu".into(),
        role_arn: role_arn.map(str::to_owned),
        external_id: Some("x".into()),
        policy: "{\"a\":1}".into(),
        seconds_max: 900,
    }
}

fn admitted(exchange: &Exchange, body: &str) -> Result<(), String> {
    let url = url::Url::parse("https://sts.test/").unwrap();
    let request =
        Outgoing { method: "POST", url: &url, headers: &[], body: body.as_bytes(), signed_for: Some(("eu", "sts")) };
    exchange.admit(&request)
}

#[test]
fn p8_only_the_scope_s_own_assume_role_is_admitted() {
    let body = "Action=AssumeRole&DurationSeconds=900&Policy=%7B%22a%22%3A1%7D";
    admitted(&exchange(None), body).unwrap();
    admitted(&exchange(None), &format!("{body}&ExternalId=x&Tags.member.1.Key=a")).unwrap();
    admitted(&exchange(Some("r")), &format!("{body}&RoleArn=r")).unwrap();
    for more in
        ["&RoleArn=r", "&Policy=%7B%7D", "&ExternalId=y", "&PolicyArns.member.1.arn=a", "&SerialNumber=1", "&%ff=1"]
    {
        admitted(&exchange(None), &format!("{body}{more}")).expect_err(more);
    }
    admitted(&exchange(Some("r")), body).expect_err("the role is missing");
    admitted(&exchange(None), &body.replace("900", "901")).expect_err("too long");
    admitted(&exchange(None), &body.replace("900", "-1")).expect_err("no number");
}

#[test]
fn a_mac_is_computed_of_the_scope_s_message_alone() {
    let loan = Loan::new(KeyUse::Message { beginning: "rl\n/blob/a/c/t1".into() });
    loan.admit_message(b"rl\n/blob/a/c/t1").unwrap();
    loan.admit_message(b"rl\n/blob/a/c/t1\n\nhttps").unwrap();
    for other in [&b"rl\n/blob/a/c/t10\n"[..], b"rlw\n/blob/a/c/t1\n", b"", b"rl\n/blob/a/c", b"x\nrl\n/blob/a/c/t1"] {
        loan.admit_message(other).unwrap_err();
    }
    Loan::new(KeyUse::Message { beginning: String::new() }).admit_message(b"anything").unwrap_err();
    Loan::new(KeyUse::None).admit_message(b"anything").unwrap_err();
}

#[test]
fn i9_what_is_secret_stands_in_what_was_got() {
    let mut loan = Loan::new(KeyUse::None);
    assert!(!loan.has_seen_keys() && !loan.has_got("session-secret"));
    loan.note_answer(b"<SecretAccessKey>session-secret</SecretAccessKey>");
    assert!(loan.has_seen_keys() && loan.has_got("session-secret"));
    assert!(!loan.has_got("session-secret-2") && !loan.has_got("s") && !loan.has_got(""));
    let mut loan = Loan::new(KeyUse::None);
    assert!(!loan.made("sv=1&sig=anything"));
    loan.note_mac(&[0xfb, 0xff]);
    assert!(loan.made("sv=1&sig=%2B%2F8%3D") && !loan.made("sv=1&sig=other"));
}

#[test]
fn s8_the_token_of_a_session_goes_past_the_guest() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let signature = vec![pair("x-amz-date", "now"), pair("x-amz-security-token", "canary"), pair("authorization", "a")];
    let mut loan = Loan::new(KeyUse::None);
    let shown = loan.note_signature(signature.clone());
    assert_eq!(shown, [pair("x-amz-date", "now"), pair("authorization", "a")]);
    answer::check_signed(&shown, &loan).unwrap();
    answer::check_signed(&signature, &loan).unwrap_err();
    assert_eq!(loan.signature(), Some(signature.as_slice()));
}
