//! From a recipe as written to one that can sign, with every fault told at once.
use super::SignedRequest;
use super::bounds::DEPTH_MAX;
use super::bounds::LIST_TEXT_LEN_MAX;
use super::bounds::Lengths;
use super::bounds::PUTS_MAX;
use super::bounds::VALUE_LEN_MAX;
use super::bounds::VALUES_MAX;
use super::list::List;
use super::presets;
use super::raw::Algorithm;
use super::raw::Listed;
use super::raw::RawList;
use super::raw::RawPut;
use super::raw::RawSignedRequest;
use super::raw::Spot;
use super::recipe::BodyPlan;
use super::recipe::Put;
use super::recipe::PutPlace;
use super::recipe::Recipe;
use super::recipe::Unmade;
use super::recipe::Value;
use super::source;
use super::source::Names;
use super::source::Source;
use super::template::Template;
use crate::auth::SchemeFault;
use crate::auth::Step;
use crate::auth::slot::Place;
use crate::auth::slot::Slot;
use std::cell::RefCell;
use std::sync::Arc;

impl TryFrom<RawSignedRequest> for SignedRequest {
    type Error = Vec<SchemeFault>;

    fn try_from(raw: RawSignedRequest) -> Result<Self, Self::Error> {
        let raw = match &raw.preset {
            None => raw,
            Some(name) => match presets::preset(name) {
                Some(preset) => preset.clone().overlaid(raw),
                None => {
                    let hint = format!(
                        "the presets are {}",
                        presets::names().collect::<Vec<_>>().join(", ")
                    );
                    return Err(vec![SchemeFault::at(
                        "preset",
                        format!("there is no preset `{name}`"),
                        hint,
                    )]);
                }
            },
        };
        let mut faults = Vec::new();
        let recipe = read(&raw, &mut faults);
        match recipe {
            Some(recipe) if faults.is_empty() => Ok(Self { recipe: Arc::new(recipe) }),
            _ => Err(faults),
        }
    }
}

/// What is read so far, and where faults go.
struct Reading<'r> {
    names: Names<'r>,
    faults: &'r mut Vec<SchemeFault>,
}

fn read(raw: &RawSignedRequest, faults: &mut Vec<SchemeFault>) -> Option<Recipe> {
    check_counts(raw, faults);
    if !faults.is_empty() {
        return None;
    }
    let values: Vec<&str> = raw.r#let.keys().chain(raw.lists.keys()).map(String::as_str).collect();
    check_names(raw, faults);
    let names = Names { values: values.clone(), fields: RefCell::default(), in_pair: false };
    let mut reading = Reading { names, faults };
    let mut read = Vec::with_capacity(values.len());
    for (name, text) in &raw.r#let {
        let path = || vec![field("let"), Step::Field(name.clone().into())];
        match text {
            Some(text) => read.push(Value::Text(reading.template(text, path()))),
            None => reading.fault(path(), "has no value", "this recipe needs one: write it here"),
        }
    }
    for (name, list) in &raw.lists {
        let list = reading.list(list, &[field("lists"), Step::Field(name.clone().into())]);
        read.push(Value::List(list));
    }
    let algorithm = raw.algorithm.unwrap_or_default();
    let key = reading.key(raw.key.as_deref(), algorithm);
    let content = match &raw.content {
        Some(content) => reading.template(content, vec![field("content")]),
        None => {
            let hint = "write what is signed, as `\"{timestamp.unix_s}{method}{target}{body}\"`, or name a preset";
            reading.fault(vec![field("content")], "is missing", hint);
            Template::default()
        }
    };
    let put = reading.puts(raw.put.as_deref());
    if !reading.faults.is_empty() {
        return None;
    }
    let fields = reading.fields(&read, &key, &content, &put);
    let recipe = Recipe {
        fields,
        names: values.into_iter().map(Into::into).collect(),
        values: read.into(),
        constants: Box::default(),
        key,
        fixed_key: false,
        algorithm,
        encoding: raw.encoding.unwrap_or_default(),
        content,
        put: put.into(),
        form: BodyPlan::Untouched,
        body: BodyPlan::Untouched,
        passing: Box::default(),
        bodied: Box::default(),
        has_clock: false,
    };
    let recipe = recipe.surveyed().map_err(|why| match why {
        Unmade::OfItself(name) => {
            let hint = "what a value is made of can't be made of the value";
            reading.fault(vec![], &format!("`{name}` is made of itself"), hint);
        }
        Unmade::TooDeep(name) => {
            let problem = format!("`{name}` is made through more than {DEPTH_MAX} values");
            reading.fault(vec![], &problem, "make it of fewer values");
        }
    });
    let recipe = recipe.ok()?;
    reading.check_lengths(&recipe);
    reading.check_unless_sent(&recipe);
    if !recipe.put.iter().any(|it| it.is_signed) {
        let hint =
            "name it where it goes, as `{ in: header, name: X-Signature, value: \"{signature}\" }`";
        reading.fault(vec![field("put")], "no value has `{signature}` in it", hint);
    }
    Some(recipe)
}

fn check_names(raw: &RawSignedRequest, faults: &mut Vec<SchemeFault>) {
    let lets = raw.r#let.keys().map(|it| ("let", it));
    for (setting, name) in lets.chain(raw.lists.keys().map(|it| ("lists", it))) {
        let problem = if !source::is_name(name) {
            "can't be a name"
        } else if source::is_taken(name) {
            "is the name of something else"
        } else if setting == "lists" && raw.r#let.contains_key(name) {
            "is a name under `let` as well"
        } else {
            continue;
        };
        let path = vec![field(setting), Step::Field(name.clone().into())];
        let hint = "write another of letters, digits, `_` and `-`";
        faults.push(SchemeFault { path, problem: problem.into(), hint: hint.into() });
    }
}

fn check_counts(raw: &RawSignedRequest, faults: &mut Vec<SchemeFault>) {
    let puts = raw.put.as_deref().unwrap_or_default().len();
    let values = raw.r#let.len() + raw.lists.len();
    for (setting, count, max) in [("let", values, VALUES_MAX), ("put", puts, PUTS_MAX)] {
        if count > max {
            let problem = format!("there are {count} values, and at most {max} can be");
            faults.push(SchemeFault::at(setting, problem, "write fewer"));
        }
    }
    for (name, list) in &raw.lists {
        let texts = [("pair", &list.pair), ("join", &list.join), ("merge", &list.merge)];
        for (setting, text) in texts {
            if text.as_ref().is_some_and(|it| it.len() > LIST_TEXT_LEN_MAX) {
                let path = vec![field("lists"), Step::Field(name.clone().into()), field(setting)];
                let problem = format!("is longer than {LIST_TEXT_LEN_MAX} bytes");
                faults.push(SchemeFault { path, problem, hint: "write less".into() });
            }
        }
    }
}

impl Reading<'_> {
    /// Values of values of values can be long where each is short.
    fn check_lengths(&mut self, recipe: &Recipe) {
        let mut lengths = Lengths::of(recipe);
        let mut found = Vec::new();
        for (index, name) in recipe.names.iter().enumerate() {
            let setting =
                if matches!(recipe.values[index], Value::List(_)) { "lists" } else { "let" };
            let path = vec![field(setting), Step::Field(String::from(&**name).into())];
            found.push((path, lengths.value(index)));
        }
        found.push((vec![field("key")], lengths.template(&recipe.key)));
        found.push((vec![field("content")], lengths.template(&recipe.content)));
        for (index, put) in recipe.put.iter().enumerate() {
            let path = vec![field("put"), Step::Index(index), field("value")];
            found.push((path, lengths.template(&put.value)));
        }
        if let Some((path, _)) = found.into_iter().find(|it| it.1 > VALUE_LEN_MAX) {
            let problem = format!("comes to more than {VALUE_LEN_MAX} bytes");
            self.fault(path, &problem, "name other values less often in it");
        }
    }

    /// A field that may be the caller's is shown as it is to whoever explains a request.
    fn check_unless_sent(&mut self, recipe: &Recipe) {
        for (index, put) in recipe.put.iter().enumerate().filter(|it| it.1.unless_sent) {
            let path = vec![field("put"), Step::Index(index), field("unless_sent")];
            if !matches!(put.place, PutPlace::Slot(Slot::Header(_))) {
                self.fault(path, "is for headers", "leave it out");
            } else if put.is_secret {
                let hint = "leave it out: what is secret is always put on";
                self.fault(path, "stands beside a value that has something secret in it", hint);
            }
        }
    }

    fn fault(&mut self, path: Vec<Step>, problem: &str, hint: &str) {
        self.faults.push(SchemeFault { path, problem: problem.into(), hint: hint.into() });
    }

    fn template(&mut self, text: &str, path: Vec<Step>) -> Template {
        Template::parse(text, &self.names).unwrap_or_else(|it| {
            self.fault(path, &it.problem, &it.hint);
            Template::default()
        })
    }

    fn key(&mut self, raw: Option<&str>, algorithm: Algorithm) -> Template {
        let path = vec![field("key")];
        if algorithm.plain().is_some() {
            if raw.is_some() {
                let hint = "write the secret into `content`, as `{credential.secret}`, or choose an `hmac-…`";
                self.fault(path, "a plain hash has no key", hint);
            }
            return Template::default();
        }
        let is_private = algorithm.private().is_some();
        let default = if is_private { "{credential.private_key}" } else { "{credential.secret}" };
        let key = self.template(raw.unwrap_or(default), path.clone());
        let is_field = || {
            let mut slots = key.slots();
            let one = slots.next().filter(|it| {
                matches!(it.source, Source::Credential(_)) && it.filters.is_empty() && !it.optional
            });
            one.is_some() && slots.next().is_none() && key.literals().next().is_none()
        };
        if is_private && !is_field() {
            let hint = "write one field that holds it in PEM: `{credential.private_key}`";
            self.fault(path, "a private key is a credential field as it is", hint);
        } else if self.faults.is_empty() && key.slots().next().is_none() {
            let hint = "name a credential field: `{credential.secret}`";
            self.fault(path, "there is nothing secret in it", hint);
        }
        key
    }

    fn list(&mut self, raw: &RawList, path: &[Step]) -> List {
        let at = |setting| path.iter().cloned().chain([field(setting)]).collect::<Vec<Step>>();
        let has_headers = raw.of.contains(&Listed::Headers);
        if raw.of.is_empty() || has_headers && raw.of.len() > 1 {
            let hint = "write `[query]`, `[form]`, `[query, form]` or `[headers]`";
            self.fault(at("of"), "is no list of parameters or of header fields", hint);
        }
        let in_pair = Names {
            values: self.names.values.clone(),
            fields: self.names.fields.take().into(),
            in_pair: true,
        };
        let pair = Template::parse(raw.pair.as_deref().unwrap_or("{name}={value}"), &in_pair);
        self.names.fields = in_pair.fields;
        let pair = pair.unwrap_or_else(|it| {
            self.fault(at("pair"), &it.problem, &it.hint);
            Template::default()
        });
        let is_named = raw.names.as_ref().is_some_and(|it| !it.is_empty());
        if raw.required == Some(true) && !is_named {
            let hint = "write `names` beside it";
            self.fault(at("required"), "does not say which names have to be there", hint);
        }
        // Header names come in lower case.
        let folded = |it: &String| if has_headers { it.to_ascii_lowercase() } else { it.clone() };
        let boxed = |it: &Vec<String>| it.iter().map(|it| folded(it).into()).collect();
        List {
            of: raw.of.clone().into(),
            names: raw.names.as_ref().map(boxed),
            prefix: folded(&raw.prefix.clone().unwrap_or_default()).into(),
            without: raw.without.as_ref().map(boxed).unwrap_or_default(),
            sort: raw.sort.unwrap_or_default(),
            raw: raw.raw.unwrap_or_default(),
            lower: raw.lower.unwrap_or_default(),
            merge: raw.merge.as_deref().map(Into::into),
            skip_empty: raw.skip_empty.unwrap_or_default(),
            required: raw.required.unwrap_or_default(),
            pair,
            join: raw.join.as_deref().unwrap_or("&").into(),
        }
    }

    fn puts(&mut self, raw: Option<&[RawPut]>) -> Vec<Put> {
        let raw = raw.unwrap_or_default();
        if raw.is_empty() {
            let hint = "write `put: [{ in: header, name: X-Signature, value: \"{signature}\" }]`";
            self.fault(vec![field("put")], "nothing is put on requests", hint);
        }
        let mut puts: Vec<Put> = Vec::with_capacity(raw.len());
        for (index, raw) in raw.iter().enumerate() {
            let at = |setting| vec![field("put"), Step::Index(index), field(setting)];
            let place = match raw.r#in {
                Spot::Header => Slot::new(Place::Header, &raw.name).map(PutPlace::Slot),
                Spot::Query => Slot::new(Place::Query, &raw.name).map(PutPlace::Slot),
                Spot::Cookie => Slot::new(Place::Cookie, &raw.name).map(PutPlace::Slot),
                Spot::Form => {
                    Slot::new(Place::Query, &raw.name).map(|it| PutPlace::Form(it.name().into()))
                }
            };
            let value = self.template(&raw.value, at("value"));
            match place {
                Err(fault) => self.fault(at("name"), &fault.to_string(), &fault.hint()),
                Ok(place) if puts.iter().any(|it| it.place.collides(&place)) => {
                    let hint = "keep one of the two; they would replace each other";
                    self.fault(at("name"), &format!("`{}` is put on twice", raw.name), hint);
                }
                Ok(place) => {
                    if let Some(what) = value.literals().find_map(|it| place.unsendable(it)) {
                        self.fault(
                            at("value"),
                            &format!("has {what}, which can't be sent there"),
                            "remove it",
                        );
                    }
                    let unless_sent = raw.unless_sent;
                    puts.push(Put {
                        place,
                        value,
                        is_signed: false,
                        is_secret: false,
                        unless_sent,
                    });
                }
            }
        }
        puts
    }

    /// The credential's fields; one may be absent where every place that names it does without.
    fn fields(
        &self,
        values: &[Value],
        key: &Template,
        content: &Template,
        put: &[Put],
    ) -> Box<[(Box<str>, bool)]> {
        let values = values.iter().map(|it| match it {
            Value::Text(template) => template,
            Value::List(list) => &list.pair,
        });
        let puts = put.iter().map(|it| &it.value);
        let certain: Vec<&Source> = values
            .chain([key, content])
            .chain(puts)
            .flat_map(Template::certain)
            .map(|it| &it.source)
            .collect();
        let fields = self.names.fields.borrow();
        let fields = fields.iter().enumerate();
        fields.map(|(at, it)| (it.clone(), !certain.contains(&&Source::Credential(at)))).collect()
    }
}

impl PutPlace {
    fn collides(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Slot(one), Self::Slot(two)) => one.collides(two),
            (Self::Form(one), Self::Form(two)) => one.eq_ignore_ascii_case(two),
            (Self::Slot(_), Self::Form(_)) | (Self::Form(_), Self::Slot(_)) => false,
        }
    }

    pub(super) fn unsendable(&self, text: &str) -> Option<&'static str> {
        match self {
            Self::Slot(slot) => slot.unsendable(text, false),
            Self::Form(_) => None,
        }
    }
}

fn field(name: &'static str) -> Step {
    Step::Field(name.into())
}
