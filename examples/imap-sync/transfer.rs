//! What goes over the wire.

use std::io::Write;

use super::*;

impl Sync {
    /// Messages with their octets, which must be short: of one message at a time.
    pub(super) async fn messages(
        &mut self,
        set: &SequenceSet,
        what: &str,
    ) -> Result<Vec<(u32, Fetch, Vec<u8>)>, Stop> {
        let mut told = self.client.fetch(Numbering::Uid, set, &said(what)?).await.map_err(failed)?;
        let (mut all, mut octets) = (Vec::new(), Vec::new());
        while let Some(fetched) = told.next().await.map_err(failed)? {
            match fetched {
                Fetched::Data(data) => octets.extend_from_slice(&data),
                Fetched::Message(message) => {
                    octets.extend_from_slice(&inline(&message));
                    if let Some(uid) = message.uid() {
                        all.push((uid.get(), message, std::mem::take(&mut octets)));
                    }
                }
                _ => {}
            }
        }
        Ok(all)
    }

    /// Brings messages here.
    pub(super) async fn fetch(&mut self, uids: &[u32]) -> Result<(), Stop> {
        let Some(set) = SequenceSet::of(&uids.iter().copied().collect()) else { return Ok(()) };
        let what = said("(UID FLAGS BODY.PEEK[])")?;
        let mut told = self.client.fetch(Numbering::Uid, &set, &what).await.map_err(failed)?;
        // The one that is being written, and its UID if that is known.
        let mut file = None;
        while let Some(fetched) = told.next().await.map_err(failed)? {
            match fetched {
                Fetched::Begin { so_far: Some(message), .. } => {
                    let known = told.view().and_then(|view| view.uid(message.number.get()));
                    let Some(uid) = message.uid().map(u32::from).or(known) else {
                        return Err(Stop::new(Exit::Protocol, "a message without a UID"));
                    };
                    file = Some(self.mirror.begin(uid).map_err(local)?);
                }
                Fetched::Data(data) => {
                    if let Some(file) = &mut file {
                        file.write_all(&data).map_err(local)?;
                    }
                }
                Fetched::Message(message) => {
                    let Some(uid) = message.uid().map(u32::from).filter(|uid| uids.contains(uid)) else {
                        continue;
                    };
                    let has_text = message.items.iter().any(|item| matches!(item, Item::Section { .. }));
                    if !has_text || self.mirror.known.pairs.contains_key(&uid) {
                        continue;
                    }
                    let file = match file.take() {
                        Some(file) => file,
                        None => {
                            let mut file = self.mirror.begin(uid).map_err(local)?;
                            file.write_all(&inline(&message)).map_err(local)?;
                            file
                        }
                    };
                    let letters = message.flags().map(mirror::letters).unwrap_or_default();
                    self.mirror.keep(uid, letters, &file).map_err(local)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Brings a message there.
    pub(super) async fn send(
        &mut self,
        mailbox: &str,
        name: &str,
        text: &[u8],
        letters: Letters,
    ) -> Result<(), Stop> {
        let least = self.client.view().and_then(|view| view.uid_next()).map_or(1, u32::from);
        self.mirror.sending(name, least).map_err(local)?;
        let append = Append::new(mailbox, text.len() as u64).with_flags(flags(letters));
        let uid = match self.client.append(&append, text).await.map_err(failed)? {
            Some(it) => Some(it.uid),
            // The server does not say where it is: it is looked for.
            None => {
                self.flags("1:*", None).await?;
                let uids = self.client.view().map(|view| view.uids()).unwrap_or_default();
                let new: Vec<u32> = uids.iter().filter(|uid| *uid >= least).collect();
                self.same(&new, text).await?
            }
        };
        match uid {
            Some(uid) => self.mirror.pair(uid, Pair { name: name.to_owned(), letters }).map_err(local),
            None => Ok(()),
        }
    }

    /// Removes messages there.
    pub(super) async fn remove(&mut self, uids: &[u32]) -> Result<(), Stop> {
        let Some(set) = SequenceSet::of(&uids.iter().copied().collect()) else { return Ok(()) };
        let deleted = FlagList::of([Flag::<&[u8]>::Deleted]);
        self.client.store(Numbering::Uid, &set, StoreAction::Add, &deleted).await.map_err(failed)?;
        if !self.client.offers(Extension::UidPlus) {
            // EXPUNGE would remove what others have marked, too.
            say::err("imap-sync: the server has no UIDPLUS: what was removed here is only marked there");
            return Ok(());
        }
        self.client.expunge(Some(&set)).await.map_err(failed)?;
        for uid in uids {
            self.mirror.unpair(*uid).map_err(local)?;
        }
        Ok(())
    }

    /// Changes the flags of a message there.
    pub(super) async fn relabel(&mut self, uid: u32, before: Letters, after: Letters) -> Result<(), Stop> {
        let set = said(&uid.to_string())?;
        let changes =
            [(StoreAction::Add, after.without(before)), (StoreAction::Remove, before.without(after))];
        for (action, letters) in changes {
            if !letters.is_empty() {
                self.client.store(Numbering::Uid, &set, action, &flags(letters)).await.map_err(failed)?;
            }
        }
        Ok(())
    }
}

fn flags(letters: Letters) -> FlagList {
    FlagList::of(letters.names().filter_map(|name| Flag::parse(name.as_bytes()).ok()))
}

/// The text of a short message, which is in the response itself.
fn inline(message: &Fetch) -> Vec<u8> {
    let mut octets = Vec::new();
    for item in &message.items {
        if let Item::Section { data: NString::String(text), .. } = item {
            octets.extend_from_slice(&text.octets());
        }
    }
    octets
}
