//! What is kept under `explore/{id}/`: each choice as soon as it is known, and at the end the
//! whole in their place.

use std::collections::BTreeMap;

use bytes::Bytes;
use serde::Serialize;
use shared::exploration::{Cell, Exploration, Method, Space};
use shared::store::{Store, sha256};
use shared::{Error, Result};

/// Changes with the meaning of what is kept.
const SEMANTICS: u32 = 1;
const JSON: &str = "application/json";
const HTML: &str = "text/html; charset=utf-8";

/// One exploration's place in the store.
pub(super) struct Saved {
    store: Store,
    id: String,
    /// Cells as they are stored, by key. The whole is made of what these bytes say: a number
    /// that was written and read again is then the same whether the work was interrupted or
    /// not.
    cells: BTreeMap<String, Bytes>,
}

impl Saved {
    /// The place of what `identity` decides.
    pub(super) fn of(store: &Store, identity: &impl Serialize) -> Result<Self> {
        let json = json(&(SEMANTICS, identity))?;
        let mut id = sha256(&json);
        id.truncate(20);
        Ok(Self {
            store: store.clone(),
            id,
            cells: BTreeMap::new(),
        })
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Where the page is.
    pub(super) fn page(&self) -> String {
        format!("explore/{}/explore.html", self.id)
    }

    fn whole(&self) -> String {
        format!("explore/{}/explore.json", self.id)
    }

    fn folder(&self) -> String {
        format!("explore/{}/cells/", self.id)
    }

    fn key(&self, (space, method, k): (Space, Method, usize)) -> String {
        format!(
            "{}{}-{}-{k}.json",
            self.folder(),
            space.name(),
            method.name()
        )
    }

    /// The whole, if it was finished before.
    pub(super) async fn finished(&self) -> Result<Option<Exploration>> {
        let found = self.store.get_optional(&self.whole()).await?;
        found
            .map(|(body, _)| parse(&body, &self.whole()))
            .transpose()
    }

    /// Reads what an interrupted exploration left. A cell that can't be read is computed again.
    pub(super) async fn resume(&mut self) -> Result<()> {
        for key in self.store.keys(&self.folder()).await? {
            let body = self.store.get(&key).await?;
            if serde_json::from_slice::<Cell>(&body).is_ok() {
                self.cells.insert(key, body);
            }
        }
        Ok(())
    }

    /// Whether a choice is known.
    pub(super) fn has(&self, choice: (Space, Method, usize)) -> bool {
        self.cells.contains_key(&self.key(choice))
    }

    /// Keeps a choice.
    pub(super) async fn keep(&mut self, cell: &Cell) -> Result<()> {
        let key = self.key((cell.space, cell.method, cell.k));
        let body = Bytes::from(json(cell)?);
        self.store.put(&key, JSON, body.clone()).await?;
        self.cells.insert(key, body);
        Ok(())
    }

    /// The choices, in the order that is asked for.
    pub(super) fn cells(
        &self,
        choices: impl Iterator<Item = (Space, Method, usize)>,
    ) -> Result<Vec<Cell>> {
        let cell = |choice| {
            let key = self.key(choice);
            let body = self.cells.get(&key);
            let body = body.ok_or_else(|| Error::Internal(format!("{key} was not computed")))?;
            parse(body, &key)
        };
        choices.map(cell).collect()
    }

    /// Keeps the whole; its JSON comes last and says that it is finished. The cells are in it
    /// and are removed.
    pub(super) async fn finish(&self, found: &Exploration, page: String) -> Result<()> {
        let page = Bytes::from(page);
        self.store.put(&self.page(), HTML, page).await?;
        let body = Bytes::from(json(found)?);
        self.store.put(&self.whole(), JSON, body).await?;
        for key in self.cells.keys() {
            self.store.remove(key, None).await?;
        }
        Ok(())
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value).map_err(|e| Error::Internal(e.to_string()))
}

fn parse<T: serde::de::DeserializeOwned>(body: &[u8], key: &str) -> Result<T> {
    serde_json::from_slice(body).map_err(|e| Error::Corrupt {
        object: key.to_owned(),
        reason: e.to_string(),
    })
}
