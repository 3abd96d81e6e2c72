//! Users and groups as `/etc/passwd` and `/etc/group` list them.
//!
//! Users of a directory service (LDAP and others) are in neither file. For them the caller falls
//! back to the owner and group of the folder itself.

use std::fs;

/// The local users and groups.
#[derive(Debug, Default)]
pub struct Accounts {
    users: Vec<UserEntry>,
    groups: Vec<GroupEntry>,
}

#[derive(Debug)]
struct UserEntry {
    name: String,
    id: u32,
    group: u32,
}

#[derive(Debug)]
struct GroupEntry {
    id: u32,
    members: Vec<String>,
}

impl Accounts {
    /// Reads both files; a file that can't be read lists no user.
    pub fn read() -> Accounts {
        let text = |path| fs::read_to_string(path).unwrap_or_default();
        Accounts::parse(&text("/etc/passwd"), &text("/etc/group"))
    }

    fn parse(passwd: &str, group: &str) -> Accounts {
        let user = |line: &str| {
            let fields: Vec<&str> = line.split(':').collect();
            Some(UserEntry {
                name: (*fields.first()?).to_owned(),
                id: fields.get(2)?.parse().ok()?,
                group: fields.get(3)?.parse().ok()?,
            })
        };
        let group_of = |line: &str| {
            let fields: Vec<&str> = line.split(':').collect();
            Some(GroupEntry {
                id: fields.get(2)?.parse().ok()?,
                members: fields.get(3)?.split(',').map(str::to_owned).collect(),
            })
        };
        Accounts {
            users: passwd.lines().filter_map(user).collect(),
            groups: group.lines().filter_map(group_of).collect(),
        }
    }

    /// The primary group of a user, then the user's other groups. `None` for a user who is not
    /// listed.
    pub fn groups_of(&self, user: u32) -> Option<Vec<u32>> {
        let user = self.users.iter().find(|known| known.id == user)?;
        let others = self
            .groups
            .iter()
            .filter(|group| group.id != user.group && group.members.contains(&user.name));
        let mut all = vec![user.group];
        all.extend(others.map(|group| group.id));
        Some(all)
    }

    /// Whether `users` are the only members of a group. False for a group that is not listed: its
    /// members are unknown.
    pub fn only_these_are_in(&self, group: u32, users: [u32; 2]) -> bool {
        let Some(listed) = self.groups.iter().find(|known| known.id == group) else {
            return false;
        };
        let in_it = self
            .users
            .iter()
            .filter(|user| user.group == group || listed.members.contains(&user.name));
        let mut all = in_it.map(|user| user.id);
        all.all(|user| users.contains(&user))
    }

    /// A user for a message: `bot (uid 1001)`, or `uid 1001`.
    pub fn say(&self, user: u32) -> String {
        match self.users.iter().find(|known| known.id == user) {
            Some(known) => format!("{} (uid {user})", known.name),
            None => format!("uid {user}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_found_from_both_files() {
        let accounts = Accounts::parse(
            "root:x:0:0:root:/root:/bin/sh\nbot:x:1001:1001::/:/bin/sh\njunk\nann:x:1002:50::/:\n",
            "root:x:0:\nbot:x:1001:\nlogs:x:50:bot\nalone:x:51:bot\n",
        );
        assert_eq!(accounts.groups_of(1001), Some(vec![1001, 50, 51]));
        assert_eq!(accounts.groups_of(7), None);
        assert!(accounts.only_these_are_in(1001, [0, 1001]));
        assert!(accounts.only_these_are_in(51, [0, 1001]));
        assert!(!accounts.only_these_are_in(50, [0, 1001]));
        assert!(!accounts.only_these_are_in(99, [0, 1001]));
        assert_eq!(accounts.say(1001), "bot (uid 1001)");
        assert_eq!(accounts.say(7), "uid 7");
    }
}
