//! Somebody among several: who writes in a group, and who joins or leaves one.

use crate::jid::Jid;
use crate::phone::Phone;

/// Somebody among several, as far as WhatsApp tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Participant {
    /// The address by phone number.
    pub phone: Option<Jid>,
    /// The address that hides the number.
    pub lid: Option<Jid>,
    /// What they call themselves. Anybody may call themselves anything.
    pub name: Option<String>,
}

impl Participant {
    /// Somebody by their addresses, in any order; devices and what addresses no person are dropped.
    pub fn of<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut who = Self::default();
        for address in addresses {
            let Some(jid) = Jid::parse(address).ok().map(|jid| jid.without_device()).filter(Jid::is_person) else {
                continue;
            };
            let place = if jid.phone().is_some() { &mut who.phone } else { &mut who.lid };
            place.get_or_insert(jid);
        }
        who.address().is_some().then_some(who)
    }

    /// The address that WhatsApp's groups know them by today: the one that hides the number, when both are known.
    pub fn address(&self) -> Option<&Jid> {
        self.lid.as_ref().or(self.phone.as_ref())
    }

    /// Every address.
    pub fn addresses(&self) -> impl Iterator<Item = &Jid> {
        self.phone.iter().chain(&self.lid)
    }

    /// Their number.
    pub fn number(&self) -> Option<Phone> {
        self.phone.as_ref().and_then(Jid::phone)
    }

    /// Whether both are one person, as far as their addresses tell.
    pub fn is(&self, other: &Self) -> bool {
        self.addresses().any(|address| other.addresses().any(|known| known == address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_sorted_and_devices_dropped() {
        let who = Participant::of(["2@lid", "5511900000001:12@s.whatsapp.net", "120363000000000001@g.us"]).unwrap();
        assert_eq!(who.phone.as_ref().unwrap().to_string(), "5511900000001@s.whatsapp.net");
        assert_eq!(who.address().unwrap().to_string(), "2@lid");
        assert!(who.is(&Participant::of(["2@lid"]).unwrap()));
        assert!(!who.is(&Participant::of(["3@lid"]).unwrap()));
        assert_eq!(Participant::of(["120363000000000001@g.us", "nonsense"]), None);
    }
}
