//! Who takes part somewhere and has no name here yet.
//!
//! Asked after every input: so it is not looked for among all participants of all conversations, but noted when one
//! comes, for this connection to the store, in a table of its own that is nowhere on the disk.

use diario_protocol::AccountId;
use rusqlite::Connection;

use super::StoreError;

/// Triggers and not the code that writes: no way to a new participant can be forgotten.
const TABLE: &str = "
    CREATE TEMP TABLE IF NOT EXISTS newcomer(account BLOB PRIMARY KEY) WITHOUT ROWID;
    CREATE TEMP TRIGGER IF NOT EXISTS newcomer_joined AFTER INSERT ON main.participant BEGIN
      INSERT INTO newcomer SELECT new.account WHERE new.account NOT IN (SELECT account FROM newcomer);
    END;
    CREATE TEMP TRIGGER IF NOT EXISTS newcomer_nameless AFTER UPDATE OF username ON main.account WHEN new.username IS NULL BEGIN
      INSERT INTO newcomer SELECT new.id WHERE new.id NOT IN (SELECT account FROM newcomer);
    END;
    CREATE TEMP TRIGGER IF NOT EXISTS newcomer_forgotten AFTER DELETE ON main.account BEGIN
      INSERT INTO newcomer SELECT old.id WHERE old.id NOT IN (SELECT account FROM newcomer);
    END;
    INSERT OR IGNORE INTO newcomer SELECT DISTINCT account FROM main.participant;";

/// Begins to note them, those of before included.
pub(crate) fn watch(db: &Connection) -> Result<(), StoreError> {
    Ok(db.execute_batch(TABLE)?)
}

/// Up to 200 of them.
pub(crate) fn nameless(db: &Connection) -> Result<Vec<AccountId>, StoreError> {
    let any = db.prepare_cached("SELECT 1 FROM temp.newcomer LIMIT 1")?.exists([])?;
    if !any {
        return Ok(Vec::new());
    }
    db.prepare_cached(
        "DELETE FROM temp.newcomer WHERE EXISTS (
            SELECT 1 FROM account WHERE id = newcomer.account AND username IS NOT NULL)",
    )?
    .execute([])?;
    let mut statement = db.prepare_cached("SELECT account FROM temp.newcomer LIMIT 200")?;
    let rows = statement.query_map([], |row| row.get::<_, [u8; 16]>(0))?;
    Ok(rows.map(|row| row.map(AccountId::new)).collect::<Result<_, _>>()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_comes_is_told_until_there_is_a_name() {
        let db = Connection::open_in_memory().unwrap();
        super::super::prepare(&db).unwrap();
        let ids = |db: &Connection| -> Vec<u8> {
            nameless(db).unwrap().iter().map(|account| account.as_bytes()[0]).collect()
        };
        let run = |sql: &str| db.execute_batch(sql).unwrap();
        let id = |n: u8| format!("x'{}'", format!("{n:02x}").repeat(16));
        let join = |n: u8| run(&format!("INSERT INTO participant VALUES(x'aa', {}, 0, 0, 0)", id(n)));
        assert!(ids(&db).is_empty());
        join(1);
        join(2);
        assert_eq!(ids(&db), [1, 2]);
        assert_eq!(ids(&db), [1, 2], "until somebody says who they are");
        run(&format!("INSERT INTO account VALUES({}, 'bo', 1, x'')", id(1)));
        run(&format!("INSERT INTO account VALUES({}, NULL, 1, x'')", id(2)));
        assert_eq!(ids(&db), [2]);
        run("BEGIN");
        join(3);
        assert_eq!(ids(&db), [2, 3]);
        run("ROLLBACK");
        assert_eq!(ids(&db), [2], "as if it had not been");
        run(&format!("UPDATE account SET username = 'cy' WHERE id = {}", id(2)));
        assert!(ids(&db).is_empty());
        // In a trigger, the conflict clause of the statement outside counts, and not the trigger's own.
        let again = "INSERT INTO participant VALUES(x'bb', {}, 0, 0, 0) ON CONFLICT DO UPDATE SET role = 1";
        run(&again.replace("{}", &id(4)));
        run(&again.replace("{}", &id(4)).replace("bb", "cc"));
        run(&format!("INSERT INTO account VALUES({}, 'di', 1, x'')", id(4)));
        run("UPDATE account SET username = NULL WHERE username = 'bo'");
        run("DELETE FROM account WHERE username = 'cy'");
        assert_eq!(ids(&db), [1, 2], "a name that is gone is asked for anew");
    }

    #[test]
    fn those_of_before_are_told_at_the_next_opening() {
        let db = Connection::open_in_memory().unwrap();
        super::super::prepare(&db).unwrap();
        db.execute_batch(
            "INSERT INTO participant VALUES(x'aa', x'05050505050505050505050505050505', 0, 0, 0)",
        )
        .unwrap();
        db.execute_batch("DROP TABLE temp.newcomer").unwrap();
        for trigger in ["joined", "nameless", "forgotten"] {
            db.execute_batch(&format!("DROP TRIGGER IF EXISTS temp.newcomer_{trigger}")).unwrap();
        }
        super::super::prepare(&db).unwrap();
        assert_eq!(nameless(&db).unwrap(), [AccountId::new([5; 16])]);
    }
}
