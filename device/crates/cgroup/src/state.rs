//! A group in a container's state: to JSON and back.

use crate::group::{Member, Unit};
use crate::{Error, Group, Result};
use alloc::string::String;
use alloc::vec::Vec;
use json::Value;

impl Group {
    /// The group as a value for the container's state.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let member = |member: &Member| {
            json::object([
                ("controllers", Value::Array(member.controllers.iter().map(|name| name.as_str().into()).collect())),
                ("mount", member.mount.as_str().into()),
                ("directory", member.directory.as_str().into()),
            ])
        };
        let mut fields = Vec::from([
            ("unified", self.unified.into()),
            ("rootless", self.rootless.into()),
            ("optional", self.optional.into()),
            ("members", Value::Array(self.members.iter().map(member).collect())),
        ]);
        if let Some(unit) = &self.unit {
            fields.push(("unit", unit.name.as_str().into()));
            fields.push(("slice", unit.slice.as_str().into()));
            fields.extend(unit.user.map(|user| ("user", u64::from(user).into())));
        }
        json::object(fields)
    }

    /// Reads what [`Group::to_json`] gave.
    pub fn from_json(value: &Value) -> Result<Self> {
        read(value).ok_or(Error::State)
    }
}

fn read(value: &Value) -> Option<Group> {
    let flag = |key| value.get(key)?.as_bool();
    let text = |value: &Value, key| value.get(key)?.as_str().map(String::from);
    let members = value.get("members")?.as_array()?.iter().map(|member| {
        let names = member.get("controllers")?.as_array()?.iter().map(|name| name.as_str().map(String::from));
        Some(Member {
            controllers: names.collect::<Option<_>>()?,
            mount: text(member, "mount")?,
            directory: text(member, "directory")?,
        })
    });
    let unit = match text(value, "unit") {
        None => None,
        Some(name) => {
            let user = match value.get("user") {
                None => None,
                Some(user) => Some(u32::try_from(user.as_whole()?).ok()?),
            };
            Some(Unit { name, slice: text(value, "slice")?, user })
        }
    };
    Some(Group {
        members: members.collect::<Option<_>>()?,
        unified: flag("unified")?,
        unit,
        rootless: flag("rootless")?,
        optional: flag("optional")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_comes_back_from_its_state() {
        let member = |name: &str| Member::new(&[name.into()], &format!("/sys/fs/cgroup/{name}"), "/a \"b\"");
        let split = Group { members: vec![member("cpu"), member("name=systemd")], ..Group::none() };
        let unit = Unit { name: "x.scope".into(), slice: "user.slice".into(), user: Some(1000) };
        let unified = Group {
            members: vec![Member::new(&[], "/sys/fs/cgroup", "/x")],
            unified: true,
            unit: Some(unit),
            rootless: true,
            optional: true,
        };
        for group in [Group::none(), split, unified] {
            let text = group.to_json().to_string();
            assert_eq!(Group::from_json(&json::parse(text.as_bytes()).unwrap()).unwrap(), group, "{text}");
        }
        for odd in ["{}", "[]", r#"{"unified":true,"rootless":true,"optional":false,"members":[{}]}"#] {
            assert_eq!(Group::from_json(&json::parse(odd.as_bytes()).unwrap()), Err(Error::State));
        }
    }
}
