//! A folder of an Azure account, a time as Azure writes it.

/// `abfss://lake@account.dfs.core.windows.net/wh/t1`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Folder<'a> {
    pub account: &'a str,
    pub container: &'a str,
    /// Without a slash at either end.
    pub path: &'a str,
}

const SUFFIX: &str = ".dfs.core.windows.net";

impl<'a> Folder<'a> {
    /// The host has put the location into its one form; what is another storage is `None`.
    pub fn parse(location: &'a str) -> Option<Self> {
        let (authority, path) = location.strip_prefix("abfss://")?.split_once('/')?;
        let (container, host) = authority.split_once('@')?;
        let account = host.strip_suffix(SUFFIX)?;
        let is_whole = !container.is_empty() && !account.is_empty() && !path.is_empty();
        is_whole.then_some(Self { account, container, path })
    }

    pub fn host(&self) -> String {
        format!("{}{SUFFIX}", self.account)
    }

    /// As the text that is signed names it.
    pub fn canonical(&self) -> String {
        format!("/blob/{}/{}/{}", self.account, self.container, self.path)
    }

    /// How many folders down it lies.
    pub fn depth(&self) -> usize {
        self.path.split('/').count()
    }
}

/// Milliseconds since the epoch of `2026-01-31T12:00:00Z`; `None` where it is another form.
pub fn epoch_ms(text: &str) -> Option<u64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let [year, month, day] = numbers(date, '-')?;
    let [hour, minute, second] = numbers(time, ':')?;
    let in_range = year >= 1970 && (1..=12).contains(&month) && (1..=31).contains(&day);
    if !in_range || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // Years begin in March here, so that leap days come last.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + (month * 153 + 2) / 5 + day - 1 - 719_468;
    Some((((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000)
}

fn numbers(text: &str, between: char) -> Option<[u64; 3]> {
    let mut parts = text.split(between).map(|part| part.parse().ok());
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_taken_apart() {
        let folder = Folder::parse("abfss://lake@acc.dfs.core.windows.net/wh/t1").unwrap();
        assert_eq!((folder.canonical().as_str(), folder.depth()), ("/blob/acc/lake/wh/t1", 2));
        for other in ["s3://lake/wh/t1", "abfss://lake@acc.dfs.core.windows.net", "abfss://lake@evil.example/wh/t1"] {
            assert_eq!(Folder::parse(other), None, "{other}");
        }
    }

    #[test]
    fn times_are_read() {
        assert_eq!(epoch_ms("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(epoch_ms("2024-02-29T12:00:01Z"), Some(1_709_208_001_000));
        assert_eq!(epoch_ms("2024-02-29 12:00:01"), None);
    }
}
