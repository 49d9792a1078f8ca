//! The Java library as the other opinion, asked over a pipe.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// A running Java process that answers one line for each line.
pub struct Java {
    process: Child,
    questions: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// What Java says to a commit.
#[derive(Debug)]
pub enum Verdict {
    Unchanged,
    Changed(Value),
    Refused { message: String },
}

impl Java {
    /// Fetches the library with Maven and compiles the program beside this file, both once.
    pub fn start() -> Self {
        let home = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("law-java");
        std::fs::create_dir_all(&home).unwrap();
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("law/java");
        let classpath = home.join("classpath.txt");
        if !classpath.exists() {
            let output = format!("-Dmdep.outputFile={}", classpath.display());
            run(Command::new("mvn")
                .args(["-q", "-B", "-f"])
                .arg(sources.join("pom.xml"))
                .args(["org.apache.maven.plugins:maven-dependency-plugin:3.6.1:build-classpath", &output]));
        }
        let jars = std::fs::read_to_string(&classpath).unwrap();
        run(Command::new("javac").arg("-d").arg(&home).arg("-cp").arg(jars.trim()).arg(sources.join("Law.java")));
        let mut process = Command::new("java")
            .arg("-cp")
            .arg(format!("{}:{}", home.display(), jars.trim()))
            .arg("Law")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let questions = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        Self { process, questions, answers }
    }

    pub fn commit(&mut self, base: &[u8], location: &str, updates: &[Value]) -> Verdict {
        let base: Value = serde_json::from_slice(base).unwrap();
        let request = json!({"requirements": [], "updates": updates});
        let question = json!({"base": base, "location": location, "request": request});
        writeln!(self.questions, "{question}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap();
        if answer["error"].is_string() {
            let message = answer["message"].as_str().unwrap_or_default().to_owned();
            return Verdict::Refused { message };
        }
        if answer["changed"] == json!(false) {
            return Verdict::Unchanged;
        }
        Verdict::Changed(serde_json::from_str(answer["after"].as_str().unwrap()).unwrap())
    }
}

impl Drop for Java {
    fn drop(&mut self) {
        // The process ends by itself when its input does; there is nobody left to tell if it is gone already.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?} failed");
}
