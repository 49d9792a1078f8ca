//! What stands before the path of a location: a bucket, a container of an account.

/// The naming rules of S3; upper case is refused because it is another bucket in old regions and an alias elsewhere.
pub(super) fn check_bucket(bucket: &str) -> Result<(), String> {
    if bucket.is_empty() {
        return Err("it has no bucket".to_owned());
    }
    if bucket.contains('@') {
        return Err("it carries user information, credentials do not belong into a location".to_owned());
    }
    let is_border = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = bucket.as_bytes();
    let legal = (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| is_border(*byte) || matches!(byte, b'.' | b'-'))
        && bytes.first().is_some_and(|byte| is_border(*byte))
        && bytes.last().is_some_and(|byte| is_border(*byte))
        && !bucket.contains("..");
    if legal {
        return Ok(());
    }
    Err(format!("{bucket:?} is not a bucket: 3 to 63 lower-case letters, digits, dots or hyphens, without a port"))
}

/// `lake@account.dfs.core.windows.net`, by the naming rules of Azure; clouds of countries have other suffixes.
pub(super) fn check_container(authority: &str) -> Result<(), String> {
    let (container, host) = authority.split_once('@').ok_or("`container@account.dfs.core.windows.net` follows `//`")?;
    let (account, suffix) = host.split_once(".dfs.core.").unwrap_or_default();
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    let legal = (3..=63).contains(&container.len())
        && container.split('-').all(|part| !part.is_empty() && is_name(part))
        && (3..=24).contains(&account.len())
        && is_name(account)
        && suffix.split('.').count() == 2
        && suffix.split('.').all(|label| !label.is_empty() && is_name(label));
    if legal {
        return Ok(());
    }
    Err(format!("{authority:?} is no container of an account: expected e.g. `lake@account.dfs.core.windows.net`"))
}
