//! Content that is not as it was written: torn archives, holes, half lines, junk.

use super::clock::RECENT_MILLIS;
use super::file::ExaminedFile;
use super::survey::HealthSurvey;
use super::{Circumstances, Code, Field, FilePosition, Finding};
use calltrace_store::scan;
use calltrace_store::source::ContentFormat;

/// This percentage of lines may be of no known kind: tracebacks, for example.
const UNPARSED_PERCENT_MAX: u64 = 5;

/// Fewer such lines are not reported.
const UNPARSED_MIN: u64 = 5;

/// For this long (milliseconds) a line may still be being written.
const WRITTEN_MILLIS: i64 = 60_000;

pub(super) fn check(survey: &HealthSurvey, circumstances: &Circumstances<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for seen in &survey.files {
        findings.extend(damaged(survey, seen, circumstances));
        findings.extend(trailing(survey, seen));
        findings.extend(no_gzip(survey, seen, circumstances));
        findings.extend(hole(seen, circumstances));
        findings.extend(half_line(survey, seen, circumstances));
        findings.extend(long_line(survey, seen));
    }
    findings.extend(survey.sampled().and_then(unparsed));
    findings
}

/// Old damage can't be repaired any more, so it is only a note.
fn by_age(seen: &ExaminedFile, code: Code, circumstances: &Circumstances<'_>) -> Finding {
    let at = seen.log.last.unwrap_or(seen.log.modified);
    let is_recent = circumstances.age(at) < RECENT_MILLIS;
    Finding::warning_if(is_recent, code).file(seen.log.name.full())
}

fn damaged(
    survey: &HealthSurvey,
    seen: &ExaminedFile,
    circumstances: &Circumstances<'_>,
) -> Option<Finding> {
    let (what, after) = seen.more.damage.iter().find_map(|found| match found {
        scan::ContentFinding::Damaged { what, after, .. } => Some((what, after)),
        _ => None,
    })?;
    // A process may be writing it right now.
    if circumstances.age(seen.log.modified) < WRITTEN_MILLIS {
        return None;
    }
    let finding = Finding::warning(Code::Damaged)
        .file(seen.log.name.full())
        .seen("it {what}")
        .with("what", Field::Text(what.clone()));
    let finding = match after {
        Some(at) => finding
            .seen("the last record before that is of {at}")
            .with("at", Field::At(*at)),
        None => finding,
    };
    Some(
        finding
            .why("records after that place are in no answer, and every search of the file says so")
            .remedy(
                "restore a copy of it, if there is one; `gzip -t {path}` tells whether that is complete",
            )
            .with("path", Field::Path(survey.path_of(seen))),
    )
}

/// Bytes follow the end of an archive: a copy went wrong, or a program appended lines to it.
fn trailing(survey: &HealthSurvey, seen: &ExaminedFile) -> Option<Finding> {
    let mut found = seen.more.damage.iter();
    let trailing = found.find_map(|found| match found {
        scan::ContentFinding::Trailing(trailing) => Some(trailing),
        _ => None,
    })?;
    Some(
        Finding::note(Code::Trailing)
            .file(seen.log.name.full())
            .seen("{bytes} after its gzip data are not gzip")
            .with("bytes", Field::Bytes(trailing.bytes))
            .why(
                "they are in no answer, and zcat warns of them; --recompress leaves the file as it is, \
                 so as not to lose them",
            )
            .remedy(
                "look at them: `tail -c {count} {path}`; if they are worthless, `zcat` the \
                 file into a new one",
            )
            .with("count", Field::Text(trailing.bytes.to_string()))
            .with("path", Field::Path(survey.path_of(seen))),
    )
}

/// A file with an archive's name that is not gzip, mostly the rest of an archive that could not be written.
fn no_gzip(
    survey: &HealthSurvey,
    seen: &ExaminedFile,
    circumstances: &Circumstances<'_>,
) -> Option<Finding> {
    let is_written = circumstances.age(seen.log.modified) < WRITTEN_MILLIS;
    let is_duplicate =
        |other: &ExaminedFile| !other.log.name.gz && other.log.name.stem == seen.log.name.stem;
    let is_none = seen.log.name.gz && seen.log.form == ContentFormat::Plain;
    // If the log itself exists, it is another finding.
    if !is_none || is_written || survey.files.iter().any(is_duplicate) {
        return None;
    }
    let finding = Finding::warning(Code::Damaged).file(seen.log.name.full());
    let finding = match seen.log.bytes {
        0 => finding.seen("it holds nothing"),
        bytes => finding
            .seen("it holds {bytes} and is not gzip")
            .with("bytes", Field::Bytes(bytes)),
    };
    let finding = match seen.log.last {
        Some(_) if seen.log.bytes > 0 => finding
            .why("it is read as plain lines; zcat and similar programs fail")
            .remedy("remove .gz from its name: `mv {path} NAME`"),
        _ => finding
            .why("its day is lost: a disk was full, or a compression died, and the log was removed")
            .remedy("restore a copy of it, if there is one; otherwise `rm {path}`"),
    };
    Some(finding.with("path", Field::Path(survey.path_of(seen))))
}

fn hole(seen: &ExaminedFile, circumstances: &Circumstances<'_>) -> Option<Finding> {
    let known = seen.more.place_of(scan::ContentFinding::is_hole);
    let at = known.map(|(offset, _)| offset).or(seen.more.hole)?;
    let finding = by_age(seen, Code::NulRun, circumstances);
    let finding = finding.at(Some(FilePosition::Byte(at)));
    let finding = match known {
        Some((_, bytes)) => finding
            .seen("a run of NULs, {bytes} long")
            .with("bytes", Field::Bytes(bytes)),
        None => finding.seen("a run of NULs"),
    };
    Some(
        finding
            .why(
                "the file was truncated under a writer without O_APPEND (copytruncate), or the \
                 machine crashed; what stood there is lost",
            )
            .remedy(
                "remove copytruncate from the settings of logrotate, and let writers open their file for appending",
            ),
    )
}

fn half_line(
    survey: &HealthSurvey,
    seen: &ExaminedFile,
    circumstances: &Circumstances<'_>,
) -> Option<Finding> {
    let is_half =
        |found: &scan::ContentFinding| matches!(found, scan::ContentFinding::HalfLine { .. });
    let known = seen.more.place_of(is_half);
    let known = known.map(|(offset, _)| FilePosition::Byte(offset));
    let is_half = seen.more.ends_half || (known.is_some() && seen.log.form != ContentFormat::Plain);
    let is_still =
        seen.more.writers.is_empty() && circumstances.age(seen.log.modified) > WRITTEN_MILLIS;
    if !is_half || !is_still {
        return None;
    }
    let is_plain = seen.log.form == ContentFormat::Plain;
    let finding = Finding::warning_if(is_plain, Code::HalfLine)
        .file(seen.log.name.full())
        .at(known)
        .seen(
            "its last line has no end, and no process has it open; it was last written to at \
             {modified}",
        )
        .with("modified", Field::At(seen.log.modified))
        .why(
            "a writer was killed or the disk was full; the next line would be joined to it, and \
             until then every search ends with status 2",
        );
    Some(match seen.log.form {
        ContentFormat::Plain => finding
            .remedy("`echo >> {path}` ends the line")
            .with("path", Field::Path(survey.path_of(seen))),
        _ => finding.remedy("nothing can be done about an archive"),
    })
}

fn long_line(survey: &HealthSurvey, seen: &ExaminedFile) -> Option<Finding> {
    let is_long =
        |found: &scan::ContentFinding| matches!(found, scan::ContentFinding::LongLine { .. });
    let (offset, bytes) = seen.more.place_of(is_long)?;
    let cat = match seen.log.form {
        ContentFormat::Plain => "cat",
        _ => "zcat",
    };
    Some(
        Finding::note(Code::LongLine)
            .file(seen.log.name.full())
            .at(Some(FilePosition::Byte(offset)))
            .seen("a line of {bytes}")
            .with("bytes", Field::Bytes(bytes))
            .why(
                "no writer makes lines like that; something else was written into the file, or a \
                 line never ended",
            )
            .remedy("look at it: `{cat} {path} | tail -c +{byte} | head -c 300`")
            .with("cat", Field::Text(cat.to_owned()))
            .with("path", Field::Path(survey.path_of(seen)))
            .with("byte", Field::Text((offset + 1).to_string())),
    )
}

fn unparsed(seen: &ExaminedFile) -> Option<Finding> {
    let reading = seen.more.reading.as_ref()?;
    let percent = (reading.unparsed * 100).checked_div(reading.lines)?;
    if reading.unparsed < UNPARSED_MIN || percent < UNPARSED_PERCENT_MAX {
        return None;
    }
    Some(
        Finding::warning(Code::Unparsed)
            .file(seen.log.name.full())
            .at(reading.first_unparsed)
            .seen("{unparsed} of {lines} lines that were read are of no known kind ({percent})")
            .with("unparsed", Field::Count(reading.unparsed))
            .with("lines", Field::Count(reading.lines))
            .with("percent", Field::Percent(percent))
            .why(
                "they belong to no call: another program writes here, or a writer has changed its \
                 lines",
            )
            .remedy("look at them: {search}")
            .with("search", Field::Calltrace("search --lines --kind unparsed")),
    )
}
