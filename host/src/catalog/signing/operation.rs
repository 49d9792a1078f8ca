//! The operations that tables need; there are no others.

use super::shown;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    GetObject,
    HeadObject,
    PutObject,
    CopyObject,
    CreateMultipartUpload,
    UploadPart,
    UploadPartCopy,
    CompleteMultipartUpload,
    AbortMultipartUpload,
    ListParts,
    DeleteObject,
    DeleteObjects,
    ListObjectsV2,
}

impl Operation {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GetObject => "GetObject",
            Self::HeadObject => "HeadObject",
            Self::PutObject => "PutObject",
            Self::CopyObject => "CopyObject",
            Self::CreateMultipartUpload => "CreateMultipartUpload",
            Self::UploadPart => "UploadPart",
            Self::UploadPartCopy => "UploadPartCopy",
            Self::CompleteMultipartUpload => "CompleteMultipartUpload",
            Self::AbortMultipartUpload => "AbortMultipartUpload",
            Self::ListParts => "ListParts",
            Self::DeleteObject => "DeleteObject",
            Self::DeleteObjects => "DeleteObjects",
            Self::ListObjectsV2 => "ListObjectsV2",
        }
    }

    /// Listing the parts of an upload is for whoever uploads.
    pub const fn writes(self) -> bool {
        !matches!(self, Self::GetObject | Self::HeadObject | Self::ListObjectsV2)
    }
}

/// How an operation is told: by method, by what it is about, by the parameters that it has to and may have.
struct Form {
    operation: Operation,
    method: &'static str,
    about_object: bool,
    copies: bool,
    required: &'static [(&'static str, Option<&'static str>)],
    optional: &'static [&'static str],
}

const fn object(operation: Operation, method: &'static str) -> Form {
    Form { operation, method, about_object: true, copies: false, required: &[], optional: &[] }
}

const UPLOAD: &[(&str, Option<&str>)] = &[("uploadId", None)];
const PART: &[(&str, Option<&str>)] = &[("partNumber", None), ("uploadId", None)];

/// Parameters without a value in `required` may have any; those of S3 that are not here (`acl`, `policy`, `tagging`,
/// `versionId`, `versions`, `restore`, `select` …) are refused with everything else that is not here.
const FORMS: [Form; 13] = [
    Form { optional: &["partNumber"], ..object(Operation::GetObject, "GET") },
    Form { optional: &["partNumber"], ..object(Operation::HeadObject, "HEAD") },
    object(Operation::PutObject, "PUT"),
    Form { copies: true, ..object(Operation::CopyObject, "PUT") },
    Form { required: &[("uploads", Some(""))], ..object(Operation::CreateMultipartUpload, "POST") },
    Form { required: PART, ..object(Operation::UploadPart, "PUT") },
    Form { required: PART, copies: true, ..object(Operation::UploadPartCopy, "PUT") },
    Form { required: UPLOAD, ..object(Operation::CompleteMultipartUpload, "POST") },
    Form { required: UPLOAD, ..object(Operation::AbortMultipartUpload, "DELETE") },
    Form { required: UPLOAD, optional: &["max-parts", "part-number-marker"], ..object(Operation::ListParts, "GET") },
    object(Operation::DeleteObject, "DELETE"),
    Form { about_object: false, required: &[("delete", Some(""))], ..object(Operation::DeleteObjects, "POST") },
    Form {
        about_object: false,
        required: &[("list-type", Some("2")), ("prefix", None)],
        optional: &["continuation-token", "delimiter", "encoding-type", "fetch-owner", "max-keys", "start-after"],
        ..object(Operation::ListObjectsV2, "GET")
    },
];

pub(super) fn find(
    method: &str,
    about_object: bool,
    query: &[(String, String)],
    copies: bool,
) -> Result<Operation, String> {
    let form = FORMS.iter().find(|form| {
        form.method == method && form.about_object == about_object && form.copies == copies && form.fits(query)
    });
    form.map(|form| form.operation).ok_or_else(|| {
        let names: Vec<&str> = query.iter().map(|(name, _)| name.as_str()).collect();
        let what = if about_object { "an object" } else { "a bucket" };
        let (method, names) = (shown(method), shown(&names.join(", ")));
        format!("{method} on {what} with the parameters [{names}] is no operation that tables need")
    })
}

impl Form {
    fn fits(&self, query: &[(String, String)]) -> bool {
        let has = |(name, value): &(&str, Option<&str>)| {
            let found = query.iter().find(|(other, _)| other == name);
            found.is_some_and(|(_, found)| value.is_none_or(|value| value == found))
        };
        let known = |(name, value): &(String, String)| {
            self.required.iter().any(|(required, _)| required == name)
                || self.optional.contains(&name.as_str())
                // Some SDKs name the operation as well.
                || (name == "x-id" && value == self.operation.as_str())
        };
        self.required.iter().all(has) && query.iter().all(known)
    }
}
