# Benvenuto, dispositivi, impostazioni, nuova conversazione, dettagli; finestre e problemi.

settings-signed-in-as = Hai effettuato l’accesso come { $name }
settings-storage-conversations =
    { $count ->
        [one] { $count } conversazione
       *[other] { $count } conversazioni
    }
